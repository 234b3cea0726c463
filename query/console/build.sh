#!/bin/sh
# build.sh -- the console from its sources: packages by the lock file, land, bundle, table of files for the program.
# Presets that are built at the same time wait for each other.
set -eu
cd "$(dirname "$0")"
mkdir -p ../../build/console
exec 9>../../build/console/lock
flock 9
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules ]; then
	npm ci --no-audit --no-fund --loglevel=error
	touch node_modules
fi
node land.mjs
node_modules/.bin/tsc --noEmit
node_modules/.bin/vite build --logLevel warn
node embed.mjs
