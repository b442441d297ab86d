// Another architecture than the host's: its packages unpacked by the host's tools, without running a word of its code.
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { download, downloadWithDependencies } from './apt.mjs';
import { debianMirror, hostRelease } from './archive.mjs';
import { run, runShell } from './shell.mjs';

/** By Debian's name of the architecture: what its cross compiler calls it. */
const triplets = { arm64: 'aarch64-linux-gnu' };

export const foreignArchitectures = Object.keys(triplets);

export function triplet(architecture) {
  const known = triplets[architecture];
  if (known === undefined) throw new Error(`nothing is built for ${architecture} here; there are ${foreignArchitectures.join(', ')}`);
  return known;
}

/**
 * Into `root`, as they are in the host's release of Debian; a folder that a package has and that is a link in `root` stays one.
 * `fetch` is one of apt.mjs: these packages alone, or with their dependencies.
 */
export function unpack(root, architecture, packages, fetch = download) {
  const work = `${root}.apt`;
  const files = fetch(work, { mirror: debianMirror(), suite: hostRelease().codename, architecture }, packages);
  for (const file of files) runShell('dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"', file, root);
  rmSync(work, { recursive: true });
}

/** A system that starts programs, with the packages and all that is essential: what their scripts would have done is done by hand. */
export function unpackSystem(root, architecture, packages) {
  for (const name of ['bin', 'lib', 'sbin']) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  unpack(root, architecture, ['?essential', 'usr-is-merged', ...packages], downloadWithDependencies);
  for (const name of ['passwd', 'group']) copyFileSync(join(root, `usr/share/base-passwd/${name}.master`), join(root, 'etc', name));
  copyFileSync(join(root, 'usr/share/libc-bin/nsswitch.conf'), join(root, 'etc/nsswitch.conf'));
  for (const name of ['subuid', 'subgid']) writeFileSync(join(root, 'etc', name), '');
  link(root, 'var/run', '/run');
  link(root, 'usr/bin/awk', 'mawk');
  link(root, 'usr/bin/which', 'which.debianutils');
  compilePython(root);
}

/** The interpreter of the same release is here, and what it compiles is the same everywhere; a guest would take seconds at every start. */
function compilePython(root) {
  const libraries = readdirSync(join(root, 'usr/lib')).filter((name) => /^python3(\.\d+)?$/.test(name));
  for (const name of libraries) run('python3', ['-m', 'compileall', '-q', '-s', root, '-p', '/', '-x', 'lib2to3/tests', join(root, 'usr/lib', name)]);
}

function link(root, path, target) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  if (!existsSync(join(root, path))) symlinkSync(target, join(root, path));
}
