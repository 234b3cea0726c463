/* embed.mjs -- the bundle as part of the program.
 *
 *   build/console/dist/*  ──gzip──> build/console/packed/*
 *                         └───────> build/console/console_assets.c: a row each, its bytes by .incbin
 *
 * The same input gives the same bytes. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const build = new URL('../../build/console/', import.meta.url);
const dist = new URL('dist/', build), packed = new URL('packed/', build);
const types = {
  html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml', geojson: 'application/geo+json',
};

const files = ['index.html', ...readdirSync(new URL('assets/', dist)).sort().map((name) => `assets/${name}`)];
rmSync(packed, { recursive: true, force: true });
mkdirSync(packed, { recursive: true });

const blobs = [], rows = [];
files.forEach((file, i) => {
  const bytes = readFileSync(new URL(file, dist)), gzip = gzipSync(bytes, { level: 9 });
  const type = types[file.split('.').pop()];
  if (!type) throw new Error(`no content type for ${file}`);
  const target = new URL(`${i}.gz`, packed);
  writeFileSync(target, gzip);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  blobs.push(`__asm__(".pushsection .rodata\\nconsole_${i}:\\n.incbin \\"${fileURLToPath(target)}\\"\\n.popsection\\n");\nextern const uint8_t console_${i}[];`);
  rows.push(`\t{"${file === 'index.html' ? '/' : `/${file}`}", "${type}", "${hash}", console_${i}, ${gzip.length}, ${bytes.length}},`);
});
writeFileSync(new URL('console_assets.c', build), `/* made by query/console/embed.mjs */
#include "query/console/console_assets.h"

${blobs.join('\n')}

const struct console_asset console_assets[] = {
${rows.join('\n')}
};
const size_t console_asset_count = ${rows.length};
`);
