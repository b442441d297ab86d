// The host's own distribution, smallest variant, with Node and Python from its archive: what a real application image looks like.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostArchitecture, hostMirror, hostRelease, proxyEnvironment } from './archive.mjs';
import { recipeKey } from './cache.mjs';
import { unpackSystem } from './foreign.mjs';
import { run } from './shell.mjs';

const included = ['nodejs', 'python3'];
const uninteresting = ['usr/share/doc', 'usr/share/man', 'usr/share/info', 'usr/share/locale', 'var/lib/apt/lists', 'var/cache/apt', 'var/log'];

export const packages = 'debian';

export function key(architecture) {
  const { id, codename } = hostRelease();
  const recipes = [import.meta.filename, join(import.meta.dirname, 'foreign.mjs')].map((file) => readFileSync(file));
  return recipeKey(...recipes, id, codename, architecture);
}

export function build(root, architecture) {
  if (process.getuid() !== 0) throw new Error('a root file system has files of several owners: build this fixture as root');
  if (architecture === hostArchitecture()) bootstrap(root);
  else unpackSystem(root, architecture, included);
  clean(root);
}

function bootstrap(root) {
  const { id, codename } = hostRelease();
  process.stderr.write(`building a ${id} ${codename} root file system, once; this takes a minute or two\n`);
  const components = id === 'ubuntu' ? 'main,universe' : 'main';
  const args = ['--variant=minbase', `--include=${included.join(',')}`, `--components=${components}`, codename, root, hostMirror()];
  // debootstrap mounts /proc in the new root: in a namespace of its own that mount goes away with it, whatever happens.
  run('unshare', ['--mount', '--propagation', 'private', '--', 'debootstrap', ...args], { env: { ...proxyEnvironment(), LC_ALL: 'C' } });
}

/** Nothing of the host's, no package lists, and one user who is not root. */
function clean(root) {
  for (const path of uninteresting) empty(join(root, path));
  rmSync(join(root, 'etc/resolv.conf'), { force: true });
  writeFileSync(join(root, 'etc/hostname'), 'debian\n');
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n');
  appendFileSync(join(root, 'etc/passwd'), 'app:x:1000:1000:app:/home/app:/bin/sh\n');
  appendFileSync(join(root, 'etc/group'), 'app:x:1000:\n');
  mkdirSync(join(root, 'home/app'));
  run('chown', ['1000:1000', join(root, 'home/app')]);
}

function empty(folder) {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
}
