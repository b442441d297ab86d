// The store of an ordinary user: its own, with owners of layers among its subordinate ids, and gone again when it is removed.
import { chmodSync, cpSync, lchownSync, lstatSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packFolder, writeLayout } from '../support/image-layouts.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { UserLab, userNeeds } from '../support/user-lab.js';

const lab = new Lab();
const users = new UserLab(lab);

needs(...userNeeds)('an image is imported, run and removed', async (t) => {
  const user = users.user();
  // Owned by others, and in folders of theirs where nobody else may remove anything.
  const tree = mkdtempSync(join(lab.scratch, 'tree-'));
  cpSync(lab.image, tree, { recursive: true, verbatimSymlinks: true });
  lchownSync(join(tree, 'home/app'), 1000, 1000);
  chmodSync(join(tree, 'home/app'), 0o700);
  lchownSync(join(tree, 'tmp'), 1000, 1000);
  const { path, image } = writeLayout(join(user.home, 'layout'), [packFolder(tree)], { Cmd: ['stat', '-c', '%u %g %a', '/home/app'], User: '1000:1000', Volumes: { '/home/app': {} } });
  const root = join(user.home, '.local/share/tsrun');
  const writes = ['sh', '-c', 'touch /home/app/mine && ls /home/app; touch /tmp/outside 2>/dev/null || echo read-only'];
  const [imported, ran, again, written] = await users.ask({ do: 'import', path, name: 'app:1' }, { do: 'image', name: 'app:1', options: {} }, { do: 'image', name: 'app:1', options: { command: ['id', '-u'] } }, { do: 'image', name: 'app:1', options: { command: writes, root: 'read-only' } });
  t.is(imported?.said, image.manifest.descriptor.digest, JSON.stringify(imported));
  t.is(ran?.said, '1000 1000 700\n', JSON.stringify(ran));
  t.is(again?.said, '1000\n');
  t.is(written?.said, 'mine\nread-only\n', JSON.stringify(written));
  const folder = join(root, 'layers', image.layers[0]?.diffId.slice(7) ?? '', 'diff/home/app');
  t.is(lstatSync(folder).uid, user.outerUid(1000));
  t.is(lstatSync(root).mode & 0o777, 0o700);
  const [without] = await user.ask([{ do: 'list' }], { subordinate: false });
  t.is(without?.said, 'docker.io/library/app:1', `without subordinate ids: ${JSON.stringify(without)}`);
  const [forgotten] = await users.ask({ do: 'forget', name: 'app:1' });
  t.is(forgotten?.said, image.manifest.descriptor.digest, JSON.stringify(forgotten));
  for (const each of ['layers', 'blobs/sha256', 'images', 'names', 'tmp']) t.deepEqual(readdirSync(join(root, each)), [], each);
});

users.declareLeakTests();
