/* Plain names with hashes, nothing inline: the page is served under a strict Content-Security-Policy. The output goes
 * beside the other builds, where embed.mjs takes it into the program. */
import { defineConfig } from 'vite';
import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const server = process.env.ZAYTON ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: './',
  resolve: {
    alias: [
      { find: /^maplibre-gl$/, replacement: here('node_modules/maplibre-gl/dist/maplibre-gl-csp.js') },
      { find: /^@land/, replacement: here('../../build/console/land.geojson') },
    ],
  },
  build: {
    outDir: here('../../build/console/dist'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2021',
    chunkSizeWarningLimit: 1100,
    reportCompressedSize: false,
    commonjsOptions: { include: [/node_modules/] },
  },
  assetsInclude: ['**/*.geojson'],
  // the server takes changes from its own page alone
  server: { proxy: { '/api': { target: server, headers: { origin: server } }, '/metrics': server } },
});
