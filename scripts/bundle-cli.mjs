// Puts the command line's modules into a few files: Node needs about a millisecond for each that it loads, and a command
// would load dozens. Entry points stay lazy, so a command loads its own chunk and what it shares with others.
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
await build({
  entryPoints: [join(root, 'dist/src/cli/main.js')],
  outdir: join(root, 'dist/bundle/cli'),
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Names stay: errors are known by those of their classes.
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: 'warning',
});
