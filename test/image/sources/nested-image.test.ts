import test from 'ava';
import { digestOf } from '../../../src/image/documents/digest.js';
import { mediaTypes } from '../../../src/image/documents/media-types.js';
import { hostPlatform } from '../../../src/image/documents/platform.js';
import { openOciLayout } from '../../../src/image/sources/oci-layout.js';
import { faultOf, folderTree, layoutFiles, madeImage, options, tarOfFiles, tarTree } from './lab.js';

const other = { os: 'linux', architecture: 's390x' };

test('an image that only an index names is found by its digest, below further indexes too', async (t) => {
  const [a, b, far] = [madeImage({ cmd: ['a'] }), madeImage({ cmd: ['b'] }), madeImage({ platform: other })];
  const indexOf = (...manifests: readonly object[]) => Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }));
  const describe = (bytes: Buffer) => ({ mediaType: mediaTypes.index, digest: digestOf(bytes), size: bytes.length });
  const inner = indexOf(b.manifest, { ...far.manifest, platform: other });
  const outer = indexOf(a.manifest, describe(inner));
  const lost = describe(indexOf());
  const blobs = [outer, inner, ...a.blobs, ...b.blobs, ...far.blobs];
  const nested = layoutFiles([lost, { ...describe(outer), annotations: { 'org.opencontainers.image.ref.name': 'v1' } }], blobs);
  for (const tree of [await folderTree(nested), await tarTree(tarOfFiles(nested))]) {
    const commandsOf = async (name: string, platform = hostPlatform()) => (await openOciLayout(tree, options({ name, platform }))).map(({ config, names }) => [config.value.config?.Cmd, names]);
    t.deepEqual(await commandsOf(a.manifest.digest), [[['a'], []]]);
    t.deepEqual(await commandsOf(b.manifest.digest), [[['b'], []]]);
    t.deepEqual(await commandsOf(digestOf(inner)), [[['b'], []]]);
    t.deepEqual(await commandsOf(far.manifest.digest, other), [[['/a'], []]]);
    t.regex((await faultOf(openOciLayout(tree, options({ name: far.manifest.digest })))).message, /s390x/);
    const unknown = digestOf(Buffer.from('nothing'));
    t.regex((await faultOf(openOciLayout(tree, options({ name: unknown })))).message, /the manifest sha256:\w{12} is not in/, 'it may be in the index that is lost');
    const [one] = await openOciLayout(await folderTree(layoutFiles([describe(outer)], blobs)), options({ choose: 'all', name: b.manifest.digest }));
    t.deepEqual(one?.config.value.config?.Cmd, ['b']);
  }
  const whole = layoutFiles([describe(outer)], blobs);
  t.regex((await faultOf(openOciLayout(await folderTree(whole), options({ name: digestOf(Buffer.from('nothing')) })))).message, /holds no image 'sha256:/);
});
