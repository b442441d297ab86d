// Which folders become a store, and which are left alone.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { StoreLayout } from '../../../src/image/store/layout.js';
import { isStore } from '../../../src/image/store/open-store.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { storeLab } from '../../support/store-lab.js';

test('neither a file nor a folder of something else is taken for a store, and nothing is written to it', async (t) => {
  const lab = storeLab(t);
  const file = join(lab.folder, 'file');
  writeFileSync(file, 'of others');
  await t.throwsAsync(lab.open({ root: file }), { code: 'ERR_TSRUN_STORE', message: /is no image store: it or a part of its path is no folder/ });
  await t.throwsAsync(isStore(new StoreLayout(file)), { code: 'ERR_TSRUN_STORE' });
  await t.throwsAsync(lab.open({ root: join(file, 'below') }), { code: 'ERR_TSRUN_STORE' });
  const foreign = join(lab.folder, 'foreign');
  mkdirSync(join(foreign, 'photos'), { recursive: true });
  const error = await t.throwsAsync(lab.open({ root: foreign }), { code: 'ERR_TSRUN_STORE', message: /is no image store: it holds something else, such as "photos"/ });
  t.regex(error instanceof TsrunError ? error.hint ?? '' : '', /--root-dir/);
  await t.throwsAsync(isStore(new StoreLayout(foreign)), { code: 'ERR_TSRUN_STORE' });
  t.deepEqual(readdirSync(foreign), ['photos']);
});

test('an empty folder, a fresh disk and what a killed process has begun become a store', async (t) => {
  const lab = storeLab(t);
  for (const names of [[], ['lost+found'], ['blobs', 'tmp', 'format.0011223344556677']]) {
    const root = join(lab.folder, `of-${names.length}`);
    for (const name of ['', ...names]) mkdirSync(join(root, name), { recursive: true });
    t.false(await isStore(new StoreLayout(root)));
    await lab.open({ root });
    t.true(await isStore(new StoreLayout(root)));
  }
});
