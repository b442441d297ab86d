// `node scripts/prebuild.mjs [--into FOLDER] [ARCHITECTURE]…` puts into a package what `npm pack` takes and a checkout does not keep:
// prebuilds/linux-x64 and linux-arm64, of which the foreign ones are cross-built, and the licences of all that is linked into them. Without
// words both architectures, into this checkout; `--remove` takes them away, so that a checkout runs what it builds.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../rootfs-fixtures/shell.mjs';
import { nativeFor, programs } from './build-foreign.mjs';
import { writeLicenses } from './licenses.mjs';

const checkout = resolve(import.meta.dirname, '..');
const architectures = ['x64', 'arm64'];

function prebuild(target, architecture) {
  const folder = join(target, `prebuilds/linux-${architecture}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const foreign = architecture !== process.arch;
  const built = foreign ? nativeFor(architecture) : join(checkout, 'build/Release');
  for (const program of programs) {
    const file = join(folder, program);
    copyFileSync(join(built, program), file);
    // Those that are foreign are stripped already.
    if (!foreign) run('strip', ['--strip-unneeded', file]);
  }
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { into: { type: 'string', default: checkout }, remove: { type: 'boolean', default: false } } });
for (const name of ['prebuilds', 'licenses']) rmSync(join(values.into, name), { recursive: true, force: true });
if (!values.remove) {
  for (const architecture of positionals.length > 0 ? positionals : architectures) prebuild(values.into, architecture);
  writeLicenses(join(values.into, 'licenses'));
}
