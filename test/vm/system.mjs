// What a guest of another architecture than the host's has in the place of the host's files: Debian with what the tests call, and Node where
// the host has it.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hostArchitecture, hostRelease } from '../../rootfs-fixtures/archive.mjs';
import { cached, recipeKey } from '../../rootfs-fixtures/cache.mjs';
import { unpackSystem } from '../../rootfs-fixtures/foreign.mjs';
import { nodeFor } from '../../rootfs-fixtures/node.mjs';
import { aptPackages } from '../../rootfs-fixtures/packages.mjs';
import { nativeFor } from '../../scripts/build-foreign.mjs';

const packages = ['attr', 'binutils', 'e2fsprogs', 'iproute2', 'kmod', 'libstdc++6', 'mount', 'procps', 'python3', 'strace', 'uidmap', 'xfsprogs'];
const recipes = [import.meta.filename, ...['foreign.mjs', 'packages.mjs'].map((name) => join(import.meta.dirname, '../../rootfs-fixtures', name))];

/** { root, additions }: the folder that becomes the guest's root, and what of the host is seen there, as [source, place]. */
export function systemFor(architecture, checkout) {
  if (architecture === hostArchitecture()) return { root: '/', additions: [] };
  const key = recipeKey(...recipes.map((file) => readFileSync(file)), hostRelease().codename, process.execPath, process.versions.node);
  const root = join(cached('systems', architecture, key, (work) => build(work, architecture)), 'root');
  return { root, additions: [[nativeFor(architecture), join(checkout, `prebuilds/linux-${architecture}`)]] };
}

function build(work, architecture) {
  process.stderr.write(`unpacking a system for ${architecture}, once\n`);
  const root = join(work, 'root');
  mkdirSync(root, { mode: 0o755 });
  unpackSystem(root, architecture, [...packages, ...aptPackages('image-tools', 'registry')]);
  mkdirSync(join(root, dirname(process.execPath)), { recursive: true });
  copyFileSync(join(nodeFor(architecture), 'bin/node'), join(root, process.execPath));
}
