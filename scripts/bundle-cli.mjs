// Puts the command into one file, which Node loads in half the time of a hundred modules (scripts/cli-loader.cjs). An ES module
// would be loaded by way of Node's asynchronous loader, which alone takes several milliseconds.
import { chmodSync, copyFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'dist/bundle/cli');
// With what V8 made of an earlier one, which it would take for what belongs to this.
rmSync(folder, { recursive: true, force: true });
await build({
  entryPoints: [join(root, 'dist/src/cli/main.js')],
  outfile: join(folder, 'tsrun.cjs'),
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // Larger than all of ours together, and for pulling alone: it is required from beside the package when that needs it. An import() could
  // not be answered in what node:vm has compiled.
  external: ['undici'],
  supported: { 'dynamic-import': false },
  // Names stay: errors are known by those of their classes.
  minifyWhitespace: true,
  minifySyntax: true,
  define: { 'import.meta.url': 'moduleUrl', 'import.meta.dirname': '__dirname' },
  // An expression whose value is a function, for the loader to call.
  banner: { js: "(function (require, module, __dirname, __filename) { const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  footer: { js: '})' },
  // One byte a character: the loader need not decode half a megabyte.
  charset: 'ascii',
  logLevel: 'warning',
});
copyFileSync(join(root, 'scripts/cli-loader.cjs'), join(folder, 'main.cjs'));
chmodSync(join(folder, 'main.cjs'), 0o755);
