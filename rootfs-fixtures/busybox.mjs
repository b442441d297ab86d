// The smallest useful image: static busybox with every applet, a few users, and the test probes compiled into /bin.
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { hostArchitecture } from './archive.mjs';
import { cached, recipeKey } from './cache.mjs';
import { triplet, unpack } from './foreign.mjs';
import { run } from './shell.mjs';

const hostBusybox = '/bin/busybox';
const probeFolder = resolve(import.meta.dirname, '../test/probes');
const compile = ['-static', '-O2', '-std=gnu17', '-Wall', '-Wextra', '-Werror'];

const folders = { bin: 0o755, dev: 0o755, etc: 0o755, 'home/app': 0o755, mnt: 0o755, proc: 0o555, root: 0o700, run: 0o755, sys: 0o555, tmp: 0o1777, usr: 0o755, 'var/tmp': 0o1777 };
const links = { sbin: 'bin', 'usr/bin': '../bin', 'usr/sbin': '../bin', 'var/run': '../run' };
const files = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\napp:x:1000:1000:app:/home/app:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\ndaemon:x:1:\ntty:x:5:\nwheel:x:10:root,app\napp:x:1000:\nnogroup:x:65534:\n',
  'etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
};

export const packages = 'busybox';

/** The static program of the package, of this architecture or another. */
export function busyboxFor(architecture) {
  if (architecture === hostArchitecture()) return hostBusybox;
  const key = recipeKey(readFileSync(import.meta.filename), readFileSync(hostBusybox));
  const folder = cached('busybox', architecture, key, (work) => {
    mkdirSync(join(work, 'package'));
    unpack(join(work, 'package'), architecture, ['busybox-static']);
  });
  return join(folder, 'package/bin/busybox');
}

export function key(architecture) {
  const sources = probes().flatMap((file) => [basename(file), readFileSync(file)]);
  return recipeKey(readFileSync(import.meta.filename), readFileSync(busyboxFor(architecture)), ...sources);
}

export function build(root, architecture) {
  for (const [path, mode] of Object.entries(folders)) {
    mkdirSync(join(root, path), { recursive: true });
    chmodSync(join(root, path), mode);
  }
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(root, path));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  if (process.getuid() === 0) chownSync(join(root, 'home/app'), 1000, 1000);
  copyFileSync(busyboxFor(architecture), join(root, 'bin/busybox'));
  // Debian configures it alike for every architecture.
  for (const applet of run(hostBusybox, ['--list']).trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  }
  const compiler = architecture === hostArchitecture() ? 'gcc' : `${triplet(architecture)}-gcc`;
  for (const file of probes()) run(compiler, [...compile, '-o', join(root, 'bin', basename(file, '.c')), file]);
}

/** Each `test/probes/NAME.c` becomes `/bin/NAME`. */
function probes() {
  if (!existsSync(probeFolder)) return [];
  return readdirSync(probeFolder).filter((file) => file.endsWith('.c')).sort().map((file) => join(probeFolder, file));
}
