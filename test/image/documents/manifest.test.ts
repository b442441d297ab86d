import test from 'ava';
import fc from 'fast-check';
import { readImageDocument, readLayoutIndex } from '../../../src/image/documents/manifest.js';
import { mediaTypes } from '../../../src/image/documents/media-types.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { bytes, index, manifest, someDigest } from './documents.js';

const entry = { mediaType: mediaTypes.manifest, digest: someDigest, size: 2 };
const layer = { mediaType: mediaTypes.layer, digest: someDigest, size: 1 };

test('manifests and indexes of OCI and Docker, without what is unknown or null', (t) => {
  const annotations = { a: 'b' };
  t.deepEqual(readImageDocument(bytes(manifest({ annotations, other: 1, subject: null })), 'x'), {
    kind: 'manifest',
    manifest: { ...manifest({ annotations }) },
  });
  const docker = manifest({ mediaType: mediaTypes.dockerManifest, config: { ...entry, mediaType: mediaTypes.dockerConfig }, layers: [{ ...layer, mediaType: `${mediaTypes.dockerLayer}.gzip` }] });
  t.is(readImageDocument(bytes(docker), 'x', mediaTypes.dockerManifest).kind, 'manifest');
  t.is(readImageDocument(bytes(index({ mediaType: undefined })), 'x', mediaTypes.index).kind, 'index');
  t.like(readImageDocument(bytes(index({ manifests: [{ ...entry, platform: { os: 'linux', architecture: 'arm', variant: 'v7', features: ['x'] } }] })), 'x'), {
    index: { manifests: [{ platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }] },
  });
  t.deepEqual(readImageDocument(bytes(manifest({ layers: null })), 'x'), { kind: 'manifest', manifest: { ...manifest({ layers: [] }) } });
  t.deepEqual(readImageDocument(bytes(index({ manifests: null, mediaType: mediaTypes.dockerIndex })), 'x'), { kind: 'index', index: { ...index({ manifests: [], mediaType: mediaTypes.dockerIndex }) } });
});

test('what an index says of a platform in other words, or not at all', (t) => {
  const rows: [platform: object, read: object | undefined][] = [
    [{ os: 'linux', architecture: 'x86_64' }, { os: 'linux', architecture: 'amd64' }],
    [{ os: 'linux', architecture: 'arm64', variant: '' }, { os: 'linux', architecture: 'arm64' }],
    [{ os: 'linux', architecture: 'armel' }, { os: 'linux', architecture: 'arm', variant: 'v6' }],
    [{ os: 'Linux', architecture: 'AARCH64', variant: 'V8' }, { os: 'linux', architecture: 'arm64', variant: 'v8' }],
    [{ os: '', architecture: '' }, undefined],
    [{ os: 'linux', architecture: '' }, undefined],
  ];
  for (const [platform, read] of rows) {
    const list = bytes(index({ manifests: [{ ...entry, platform }] }));
    const document = readImageDocument(list, 'x');
    t.deepEqual(document.kind === 'index' ? document.index.manifests.map((each) => each.platform) : [], [read]);
    t.deepEqual(readLayoutIndex(list, 'x').map((each) => (each.kind === 'descriptor' ? each.descriptor.platform : each.fault)), [read]);
  }
});

test('all kinds of layers that can be unpacked', (t) => {
  const types = ['application/vnd.oci.image.layer.v1.tar', 'application/vnd.oci.image.layer.nondistributable.v1.tar'].flatMap((type) => [type, `${type}+gzip`, `${type}+zstd`]);
  const docker = ['application/vnd.docker.image.rootfs.diff.tar', 'application/vnd.docker.image.rootfs.foreign.diff.tar'].flatMap((type) => [type, `${type}.gzip`, `${type}.zstd`]);
  for (const mediaType of [...types, ...docker]) t.notThrows(() => readImageDocument(bytes(manifest({ layers: [{ ...layer, mediaType }] })), 'x'), mediaType);
});

test('what is damaged, ambiguous or no image is refused by name', (t) => {
  const rows: [value: unknown, fault: RegExp, announced?: string][] = [
    ['', /x:1:1: expected a value/],
    ['[]', /x is not an object/],
    ['{"a":1,"a":2}', /duplicate key/],
    [Buffer.alloc(4 * 1024 * 1024 + 1, 0x20), /larger than 4194304 bytes/],
    [manifest({ manifests: [] }), /says that it is an image manifest, but has 'manifests'/],
    [index({ layers: [] }), /says that it is an image index, but has 'layers'/],
    [index({ config: null }), /but has 'config'/],
    [manifest({ mediaType: undefined, manifests: [] }), /but has 'manifests'/, mediaTypes.manifest],
    [manifest({ mediaType: undefined }), /has no mediaType/],
    [manifest({ mediaType: 7 }), /mediaType that is not text/],
    [manifest(), /says that it is '.*manifest.*', but was announced as '.*index/, mediaTypes.index],
    [index(), /but was announced as/, mediaTypes.manifest],
    [manifest({ schemaVersion: 1, mediaType: undefined }), /Docker's schema 1/, 'application/vnd.docker.distribution.manifest.v1+prettyjws'],
    [manifest({ mediaType: 'application/vnd.docker.distribution.manifest.v1+json' }), /Docker's schema 1/],
    [manifest({ mediaType: 'text/html' }), /neither an image manifest nor an index, but 'text\/html'/],
    [manifest({ schemaVersion: 3 }), /schemaVersion: expected 2, found 3/],
    [manifest({ schemaVersion: null }), /schemaVersion: expected 2, found nothing/],
    [manifest({ config: undefined }), /\/config: expected an object, found nothing/],
    [manifest({ config: { ...entry, mediaType: 'application/vnd.cncf.helm.config.v1+json' } }), /its config is 'application\/vnd\.cncf\.helm/],
    [manifest({ config: { ...entry, mediaType: mediaTypes.config, size: 2 ** 30 } }), /the config in x has 1073741824 bytes/],
    [manifest({ layers: [layer, { ...layer, mediaType: 'application/x-tar' }] }), /layer 2 in x is of the type 'application\/x-tar', which cannot be unpacked/],
    [manifest({ layers: [{ ...layer, mediaType: `${mediaTypes.layer}+gzip+encrypted` }] }), /encrypted', which cannot/],
    [manifest({ layers: [{ ...layer, digest: undefined }] }), /\/layers\/0\/digest: expected a digest, found nothing/],
    [manifest({ layers: [{ ...layer, digest: `sha512:${'a'.repeat(128)}` }] }), /algorithm sha512 are not supported/],
    [manifest({ layers: [{ ...layer, digest: `sha256:../../etc/passwd` }] }), /a digest is sha256:/],
    [manifest({ layers: [{ ...layer, digest: someDigest.toUpperCase() }] }), /a digest is sha256:/],
    [manifest({ layers: [{ ...layer, size: -1 }] }), /\/layers\/0\/size/],
    [manifest({ layers: [{ ...layer, size: 1.5 }] }), /\/layers\/0\/size/],
    [`{"schemaVersion":2,"mediaType":"${mediaTypes.index}","manifests":[{"mediaType":"a","digest":"${someDigest}","size":18446744073709551615}]}`, /\/manifests\/0\/size/],
    [manifest({ layers: {} }), /\/layers: expected an array/],
    [manifest({ layers: [{ ...layer, mediaType: '' }] }), /\/layers\/0\/mediaType: expected text that is not empty/],
    [index({ manifests: [{ ...entry, platform: { os: 'linux' } }] }), /platform\/architecture: expected/],
    [index({ annotations: { a: 1 } }), /\/annotations\/a: expected text/],
  ];
  for (const [value, fault, announced] of rows) {
    const document = Buffer.isBuffer(value) ? value : bytes(value);
    const error = t.throws(() => readImageDocument(document, 'x', announced), { instanceOf: TsrunError, message: fault });
    t.is(error.code, 'ERR_TSRUN_IMAGE');
    t.truthy(error.message.length < 1000);
  }
});

test('keys such as __proto__ are keys', (t) => {
  const text = JSON.stringify(manifest()).replace('{', '{"__proto__":{"layers":[]},').replace('"layers"', '"annotations":{"__proto__":"x"},"layers"');
  t.notThrows(() => readImageDocument(bytes(text.replace('{"layers":[]}', '1')), 'x'));
  t.is(Object.getPrototypeOf({}), Object.prototype);
});

test('property: no byte that is changed makes anything but an error or a document of the same kind', (t) => {
  for (const [original, kind] of [[bytes(manifest()), 'manifest'], [bytes(index()), 'index']] as const) {
    fc.assert(fc.property(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = Buffer.from(original);
      changed[at] = (changed[at] ?? 0) ^ mask;
      try {
        t.is(readImageDocument(changed, 'x').kind, kind);
      } catch (error) {
        t.true(TsrunError.is(error) && error.code === 'ERR_TSRUN_IMAGE', String(error));
      }
    }), { numRuns: 3000 });
  }
});

test('property: any JSON makes an error of the image or a document', (t) => {
  fc.assert(fc.property(fc.json(), fc.constantFrom(undefined, mediaTypes.manifest, mediaTypes.index), (text, announced) => {
    try {
      readImageDocument(bytes(text), 'x', announced);
    } catch (error) {
      t.true(TsrunError.is(error) && error.code === 'ERR_TSRUN_IMAGE', String(error));
    }
  }), { numRuns: 2000 });
});
