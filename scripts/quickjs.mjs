// `node scripts/quickjs.mjs [architecture]` prints the folder with QuickJS's header and static library and licence: `include/quickjs/quickjs.h`, `libquickjs.a`, `copyright`.
// Debian has it from 13 on. For older ones the package of 13 is taken, whose library needs nothing that they lack; it is checked by apt.
import { copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { download } from '../rootfs-fixtures/apt.mjs';
import { debianMirror } from '../rootfs-fixtures/archive.mjs';
import { cached, recipeKey } from '../rootfs-fixtures/cache.mjs';
import { run } from '../rootfs-fixtures/shell.mjs';

const suite = 'trixie';
const version = '2025.04.26-1';
const debianNames = { x64: 'amd64', arm64: 'arm64' };

export function quickjs(architecture = process.arch) {
  return cached('quickjs', architecture, recipeKey(suite, version, architecture, 'with its licence'), (folder) => {
    const work = join(folder, 'work');
    mkdirSync(work);
    const [file] = download(work, { mirror: debianMirror(), suite, architecture: debianNames[architecture] }, [`libquickjs=${version}`]);
    run('dpkg-deb', ['-x', file, join(work, 'files')]);
    cpSync(join(work, 'files/usr/include'), join(folder, 'include'), { recursive: true });
    const library = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((triplet) => join(work, 'files/usr/lib', triplet, 'quickjs/libquickjs.a')).find((path) => existsSync(path));
    copyFileSync(library, join(folder, 'libquickjs.a'));
    copyFileSync(join(work, 'files/usr/share/doc/libquickjs/copyright'), join(folder, 'copyright'));
    rmSync(work, { recursive: true });
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) process.stdout.write(`${quickjs(process.argv[2])}\n`);
