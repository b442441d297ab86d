import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ImageCache } from '../../src/container/image-cache.js';
import { TsrunError } from '../../src/spec/errors.js';

function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-images-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  for (const release of ['one', 'two']) mkdirSync(join(folder, release, 'bin'), { recursive: true });
  return folder;
}

function makeBundle(folder: string, rootPath: string, hostname = 'first'): string {
  const bundle = join(folder, 'bundle');
  mkdirSync(bundle, { recursive: true });
  const config = { ociVersion: '1.2.0', root: { path: rootPath }, hostname, linux: { namespaces: [{ type: 'uts' }] } };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}

function turn(link: string, target: string): void {
  symlinkSync(target, `${link}.new`);
  renameSync(`${link}.new`, link);
}

test('what was looked at is not read again, until it changes', async (t) => {
  const folder = scratch(t);
  const images = new ImageCache();
  const bundle = makeBundle(folder, '../one');
  const first = await images.find(bundle);
  t.is(await images.find(bundle), first);
  makeBundle(folder, '../one', 'second');
  t.is((await images.find(bundle))?.spec?.hostname, 'second');
});

test('a root that is a link out of the bundle is followed each time', async (t) => {
  const folder = scratch(t);
  const images = new ImageCache();
  const link = join(folder, 'current');
  turn(link, join(folder, 'one'));
  const bundle = makeBundle(folder, link);
  t.is((await images.find(bundle))?.rootPath, join(folder, 'one'));
  turn(link, join(folder, 'two'));
  t.is((await images.find(bundle))?.rootPath, join(folder, 'two'));
});

test('so is an image that is one', async (t) => {
  const folder = scratch(t);
  const images = new ImageCache();
  const link = join(folder, 'current');
  turn(link, join(folder, 'one'));
  t.is((await images.find(link))?.rootPath, join(folder, 'one'));
  turn(link, join(folder, 'two'));
  t.is((await images.find(link))?.rootPath, join(folder, 'two'));
});

test('what cannot be looked at has the words of who reads it', async (t) => {
  const folder = scratch(t);
  const images = new ImageCache();
  for (const path of [join(folder, 'none'), 'a\0b', '', join(folder, 'x'.repeat(300))]) {
    t.like(await t.throwsAsync(images.find(path), { instanceOf: TsrunError }), { code: 'ERR_TSRUN_IMAGE' });
  }
});
