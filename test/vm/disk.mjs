// The disk with the fixtures: ext4, because neither 9p nor overlay can be id-mapped. Each guest sees it fresh and writes to a throw-away layer.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cached, recipeKey } from '../../rootfs-fixtures/cache.mjs';
import { run } from '../../rootfs-fixtures/shell.mjs';

const sizeMiB = 4096;

/** `fixtures` is a list of [name, folder]; each becomes a folder of that name on the disk. */
export function diskWith(fixtures) {
  const folders = fixtures.map(([name, root]) => `${name} ${basename(dirname(root))}`);
  const key = recipeKey(readFileSync(import.meta.filename), ...folders);
  return join(cached('disks', 'images', key, (work) => format(work, fixtures)), 'disk.ext4');
}

function format(work, fixtures) {
  const content = join(work, 'content');
  mkdirSync(content, { mode: 0o755 });
  // Hard links: mkfs wants one folder, and the fixtures need not be copied twice.
  for (const [name, root] of fixtures) run('cp', ['-al', root, join(content, name)]);
  mkdirSync(join(content, 'scratch'), { mode: 0o755 });
  run('mkfs.ext4', ['-q', '-L', 'images', '-m', '0', '-d', content, join(work, 'disk.ext4'), `${sizeMiB}M`]);
  rmSync(content, { recursive: true });
}
