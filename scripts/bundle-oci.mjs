// Puts tsrun-oci's TypeScript into modules for QuickJS, which has nothing of Node: the few modules that shared code takes from it are
// those of src/oci-cli/platform/.
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const platform = (name) => join(root, `dist/src/oci-cli/platform/${name}.js`);

await build({
  entryPoints: ['main', 'plan-main'].map((name) => join(root, `dist/src/oci-cli/${name}.js`)),
  outdir: join(root, 'dist/bundle/oci'),
  bundle: true,
  format: 'esm',
  splitting: true,
  chunkNames: 'shared',
  platform: 'neutral',
  mainFields: ['main'],
  target: 'es2023',
  alias: Object.fromEntries(['fs', 'os', 'path', 'util'].map((name) => [`node:${name}`, platform(name)])),
  define: { nodeConstants: JSON.stringify({ errno: constants.errno, signals: constants.signals }) },
  minify: true,
  keepNames: false,
  charset: 'ascii',
  logLevel: 'warning',
});
