// Puts tsrun-oci's TypeScript into modules for QuickJS, which has nothing of Node: the few modules that shared code takes from it are
// those of src/oci-cli/platform/.
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const platform = (name) => join(root, `dist/src/oci-cli/platform/${name}.js`);

const folder = join(root, 'dist/bundle/oci');

const { metafile } = await build({
  entryPoints: ['main', 'plan-main', 'extra-main', 'systemd-main'].map((name) => join(root, `dist/src/oci-cli/${name}.js`)),
  outdir: folder,
  bundle: true,
  format: 'esm',
  // What several of them need is in modules of its own, so that it is there once.
  splitting: true,
  chunkNames: 'shared-[hash]',
  platform: 'neutral',
  mainFields: ['main'],
  target: 'es2023',
  alias: Object.fromEntries(['fs', 'os', 'path', 'util'].map((name) => [`node:${name}`, platform(name)])),
  define: { nodeConstants: JSON.stringify({ errno: constants.errno, signals: constants.signals }), packageVersion: JSON.stringify(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version) },
  minify: true,
  keepNames: false,
  charset: 'ascii',
  logLevel: 'warning',
  metafile: true,
});

// What native/oci-build/ compiles: files of earlier builds may lie beside them.
writeFileSync(join(folder, 'modules.txt'), Object.keys(metafile.outputs).map((path) => `${basename(path)}\n`).join(''));
