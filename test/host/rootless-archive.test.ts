/** Layers that an ordinary user unpacks: owners are shifted into its subordinate ids, overlayfs's attributes are a user's. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { tar } from '../support/tar.js';
import { readTree } from '../support/trees.js';
import { UserLab, userNeeds } from '../support/user-lab.js';

const lab = new Lab();
const users = new UserLab(lab);
const { user, ask } = users;
const here = needs(...userNeeds, 'command:getfattr');

here('owners are the user\'s own and its subordinate ids; whiteouts, attributes and capabilities are there', async (t) => {
  const { home } = user();
  const capability = { 'SCHILY.xattr.security.capability': Buffer.from('0100000200200000000000000000000000000000', 'hex'), 'SCHILY.xattr.trusted.x': '1', 'SCHILY.xattr.user.note': 'x' };
  writeFileSync(join(home, 'base.tar'), tar([{ name: './', mode: 0o711 }, { name: 'd/', uid: 1000, gid: 2000, mode: 0o2755 }, { name: 'd/f', data: 'text', uid: 65_535, mode: 0o4755, pax: capability }, { name: 'p', type: '6' }, { name: 'l', type: '2', link: 'd', uid: 7 }]));
  writeFileSync(join(home, 'top.tar'), tar([{ name: 'd/.wh.f' }, { name: 'e/' }, { name: 'e/.wh..wh..opq' }, { name: 'l/new', data: '1', uid: 1 }]));
  const replies = await ask({ do: 'unpack', archive: 'base.tar', folder: 'base' }, { do: 'unpack', archive: 'top.tar', folder: 'top', lower: 'base' }, { do: 'unpack', archive: 'top.tar', folder: 'alone' });
  t.deepEqual(replies.map(({ error }) => error), [undefined, undefined, undefined]);
  t.deepEqual(replies.map(({ said = '{}' }) => /"dependsOnLower":(\w+)/.exec(said)?.[1]), ['false', 'false', 'true']);
  const owner = (uid: number, gid = 0) => `${user().outerUid(uid)}:${user().outerGid(gid)}`;
  const base = readTree(join(home, 'base'));
  t.like(base, {
    '.': { mode: '711', owner: owner(0) },
    d: { type: 'folder', mode: '2755', owner: owner(1000, 2000) },
    'd/f': { mode: '4755', owner: owner(65_535) },
    p: { type: 'pipe', owner: owner(0) },
    l: { type: 'link', owner: owner(7) },
  });
  // Version 3, for the root of this user namespace alone (capabilities(7)).
  t.regex(base['d/f']?.xattrs?.['security.capability'] ?? '', /^0x0100000300200000/);
  t.deepEqual(Object.keys(base['d/f']?.xattrs ?? {}).sort(), ['security.capability', 'user.note']);
  t.like(readTree(join(home, 'top')), {
    d: { mode: '2755', owner: owner(1000, 2000) },
    'd/f': { type: 'character device', device: '0:0' },
    e: { xattrs: { 'user.overlay.opaque': '0x79' } },
    'd/new': { owner: owner(1) },
  });
});

here('an owner that the user has no id for is refused', async (t) => {
  const { home } = user();
  writeFileSync(join(home, 'far.tar'), tar([{ name: 'f', uid: 70_000 }]));
  const [reply] = await ask({ do: 'unpack', archive: 'far.tar', folder: 'far' });
  t.is(reply?.error?.code, 'ERR_TSRUN_IMAGE');
  t.is(reply?.error?.message, 'entry \'f\' of the layer has the owner 70000:0, which is not among your subordinate ids');
});

here('what is unpacked cannot be left for the rest of the user\'s files', async (t) => {
  const { home } = user();
  writeFileSync(join(home, 'out.tar'), tar([{ name: 'l', type: '2', link: home }, { name: 'l/escaped', data: '1' }]));
  const [reply] = await ask({ do: 'unpack', archive: 'out.tar', folder: 'out' });
  t.is(reply?.error?.code, 'ERR_TSRUN_IMAGE');
  t.false(existsSync(join(home, 'escaped')));
  execFileSync('rm', ['-rf', join(home, 'out')]);
});

users.declareLeakTests();
