// Keeps what V8 compiles of the command while it explains a plan, for the command's next start (scripts/cli-loader.cjs). Only this
// V8 can use it. Not before the native code is built: explaining needs it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '../dist/bundle/cli');
const image = mkdtempSync(join(tmpdir(), 'tsrun-cache-'));
mkdirSync(join(image, 'bin'));
process.argv.splice(2, Infinity, 'explain', '--json', image, '--', '/bin/true');
process.stdout.write = (_text, done) => {
  done?.();
  return true;
};
process.stderr.write = process.stdout.write;

const script = createRequire(import.meta.url)(join(folder, 'main.cjs'));
process.on('exit', () => {
  rmSync(image, { recursive: true });
  writeFileSync(join(folder, `${process.versions.v8}-${process.arch}.cache`), script.createCachedData());
});
