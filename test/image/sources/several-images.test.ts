/** A layout that holds several images: which one is meant, and what is said where that is not clear. */
import test from 'ava';
import { openOciLayout } from '../../../src/image/sources/oci-layout.js';
import { faultOf, folderTree, layoutFiles, madeImage, named, options } from './lab.js';

const other = { os: 'linux', architecture: 's390x' };

test('one of several is chosen by name, number or digest', async (t) => {
  const [a, b] = [madeImage({ cmd: ['a'] }), madeImage({ cmd: ['b'] })];
  const entries = [named(a.manifest, 'v1'), named(b.manifest, 'docker.io/library/app:2'), named(a.manifest, 'team/app:3')];
  const several = layoutFiles(entries, [...a.blobs, ...b.blobs]);
  const rows: [name: string, cmd: string][] = [['v1', 'a'], ['app:2', 'b'], ['docker.io/library/app:2', 'b'], ['team/app:3', 'a'], ['@0', 'a'], ['@1', 'b'], [b.manifest.digest, 'b']];
  for (const [name, cmd] of rows) {
    const [found, ...others] = await openOciLayout(await folderTree(several), options({ name }));
    t.is(others.length, 0);
    t.deepEqual(found?.config.value.config?.Cmd, [cmd], name);
  }
  const all = await openOciLayout(await folderTree(several), options({ choose: 'all' }));
  t.deepEqual(all.map(({ names }) => names), [['docker.io/team/app:3'], ['docker.io/library/app:2']]);
  const missing = await faultOf(openOciLayout(await folderTree(several), options({ name: 'v9' })));
  t.regex(missing.message, /holds no image 'v9': there is v1, docker\.io\/library\/app:2$/);
  const unclear = await faultOf(openOciLayout(await folderTree(several), options()));
  t.regex(unclear.message, /holds several images: v1, docker\.io\/library\/app:2$/);
  t.regex(unclear.hint ?? '', /oci:PATH:NAME/);
});

test('of several without a name those are listed that are for the platform, by their places', async (t) => {
  const all = [{ architecture: 'arm', variant: 'v7' }, { architecture: 'arm64', variant: 'v8' }, { architecture: 'arm64' }].map((platform) => madeImage({ platform: { os: 'linux', ...platform } }));
  const tree = await folderTree(layoutFiles(all.map(({ manifest }) => manifest), all.flatMap(({ blobs }) => blobs)));
  const unclear = await faultOf(openOciLayout(tree, options({ platform: { os: 'linux', architecture: 'arm64' } })));
  t.regex(unclear.message, /holds several images: @1, @2$/);
});

test('a name that several images have is refused, whichever is asked for, but not where the platform tells them apart', async (t) => {
  const [a, b, far] = [madeImage({ cmd: ['a'] }), madeImage({ cmd: ['b'] }), madeImage({ platform: other })];
  const blobs = [...a.blobs, ...b.blobs, ...far.blobs];
  const digests = `${a.manifest.digest}, ${b.manifest.digest}`;
  for (const label of ['v1', 'docker.io/library/app:1']) {
    const twice = await folderTree(layoutFiles([named(a.manifest, label), named(b.manifest, label), named(far.manifest, label)], blobs));
    for (const choice of [{}, { name: label }, { choose: 'all' as const }]) {
      const fault = await faultOf(openOciLayout(twice, options(choice)));
      t.true(fault.message.endsWith(`holds 2 images that are called '${label}': ${digests}`), fault.message);
      t.true(fault.hint?.includes(`PATH:${a.manifest.digest}`), fault.hint);
    }
    t.deepEqual((await openOciLayout(twice, options({ name: b.manifest.digest })))[0]?.config.value.config?.Cmd, ['b']);
    t.is((await openOciLayout(twice, options({ choose: 'all', platform: other }))).length, 1);
  }
  const overlapping = await folderTree(layoutFiles([named(a.manifest, 'app:1'), named(a.manifest, 'app:2'), named(b.manifest, 'app:2')], blobs));
  t.regex((await faultOf(openOciLayout(overlapping, options({ choose: 'all' })))).message, /are called 'docker\.io\/library\/app:2'/);
  t.deepEqual((await openOciLayout(overlapping, options({ name: 'app:1' })))[0]?.config.value.config?.Cmd, ['a']);
});
