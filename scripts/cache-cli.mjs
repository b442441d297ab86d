// Keeps what V8 compiles of the command's two files, for its next start (scripts/cli-loader.cjs): of the first while it runs a container,
// so that all and only that is there that a container's life takes; of the second while it explains a plan. Who builds may be nobody who
// can run one: then of both while it explains. Only this V8 can use them. Not before the native code is built.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = resolve(import.meta.dirname, '..');
const folder = join(checkout, 'dist/bundle/cli');

/** In a process of its own, since the command ends with it. */
function keep(script, words, env) {
  const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), script, ...words], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000, killSignal: 'SIGKILL' });
  return status === 0;
}

function keepAll() {
  // On the checkout's file system: a tmpfs cannot be id-mapped before Linux 6.3.
  const image = mkdtempSync(join(folder, 'image-'));
  const state = mkdtempSync(join(tmpdir(), 'tsrun-cache-'));
  try {
    for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp']) mkdirSync(join(image, name));
    // A static program that does nothing, as nobody speaks to it.
    copyFileSync(join(checkout, 'build/Release/tsrun-launcher'), join(image, 'bin/true'));
    const explained = ['explain', '--json', image, '--', '/bin/true'];
    if (!keep('more', explained)) throw new Error('a plan cannot be explained');
    if (!keep('tsrun', ['run', '--rm', image, '--', '/bin/true'], { TSRUN_ROOT: state })) keep('tsrun', explained);
  } finally {
    for (const path of [image, state]) rmSync(path, { recursive: true, force: true });
  }
}

const [script, ...words] = process.argv.slice(2);
if (script === undefined) keepAll();
else {
  process.argv.splice(2, Infinity, ...words);
  const scripts = createRequire(import.meta.url)(join(folder, 'main.cjs'));
  process.on('exit', () => {
    writeFileSync(join(folder, `${script}-${process.versions.v8}-${process.arch}.cache`), scripts[script].createCachedData());
  });
}
