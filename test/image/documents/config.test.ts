import test from 'ava';
import fc from 'fast-check';
import { checkImage, readConfig } from '../../../src/image/documents/config.js';
import { describeConfig, makeManifest } from '../../../src/image/documents/make-manifest.js';
import { readImageDocument } from '../../../src/image/documents/manifest.js';
import { hostPlatform } from '../../../src/image/documents/platform.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { bytes, imageConfig, someDigest } from './documents.js';

const read = (value: unknown) => readConfig(bytes(value), 'x');

test('what is known is kept, what is unknown or null is not', (t) => {
  const config = {
    User: 'app', ExposedPorts: { '80/tcp': {} }, Env: ['A=b', 'A'], Entrypoint: ['/e'], Cmd: ['c'], Volumes: { '/v': {} }, WorkingDir: '/w',
    Labels: { a: 'b', '': '' }, StopSignal: 'SIGINT', Healthcheck: { Test: ['CMD', 'true'], Interval: 30_000_000_000, Retries: 3 },
  };
  const whole = imageConfig({ variant: 'v2', created: '2024-01-01T00:00:00Z', author: 'me', 'os.version': '1', 'os.features': ['f'], config, history: [{ created_by: 'RUN x' }, { empty_layer: true }] });
  t.deepEqual(plain(read(whole)), whole);
  const more = { ...config, ArgsEscaped: true, OnBuild: null, Shell: ['x'], Hostname: '' };
  t.deepEqual(plain(read({ ...whole, config: more, docker_version: '1', container_config: {}, id: 'x' })), whole);
  const empty = { User: null, ExposedPorts: null, Env: null, Entrypoint: null, Cmd: null, Volumes: null, WorkingDir: null, Labels: null, StopSignal: null, Healthcheck: null };
  t.deepEqual(plain(read(imageConfig({ config: empty, variant: '', history: null, created: null }))), imageConfig({ config: {} }));
  t.deepEqual(plain(read(imageConfig({ config: null }))), imageConfig());
});

test('forms of old dockers', (t) => {
  t.like(read(imageConfig({ config: { Entrypoint: 'one', Cmd: 'two words' } })), { config: { Entrypoint: ['one'], Cmd: ['two words'] } });
  t.deepEqual(plain(read(imageConfig({ config: { Volumes: { '/v': null }, Labels: { a: null } } }))), imageConfig({ config: { Volumes: { '/v': {} }, Labels: { a: '' } } }));
  t.deepEqual(plain(read(imageConfig({ config: { ExposedPorts: { '80/tcp': { HostPort: '1' } } } }))), imageConfig({ config: { ExposedPorts: { '80/tcp': {} } } }));
});

test('a processor has the name that Go gives it; what is empty is as of this machine', (t) => {
  const rows: [config: object, platform: object][] = [
    [{ architecture: 'x86_64' }, { architecture: 'amd64' }],
    [{ architecture: 'aarch64', variant: 'v8' }, { architecture: 'arm64', variant: 'v8' }],
    [{ architecture: 'armhf' }, { architecture: 'arm', variant: 'v7' }],
    [{ os: 'Linux', architecture: 'AMD64' }, { os: 'linux', architecture: 'amd64' }],
    [{ os: '', architecture: '' }, hostPlatform()],
    [{ architecture: 'odd' }, { architecture: 'odd' }],
  ];
  for (const [config, platform] of rows) t.deepEqual(plain(read(imageConfig(config))), imageConfig({ ...config, ...platform }));
});

test('a key such as __proto__ is a key like any other', (t) => {
  const config = read(JSON.stringify(imageConfig({ config: { Labels: { a: 'b' } } })).replace('"a":"b"', '"__proto__":"b"'));
  t.deepEqual(Object.keys(config.config?.Labels ?? {}), ['__proto__']);
});

test('what people alone read may be anything, and is shown without what is no character', (t) => {
  const odd = 'a\0b\ud800c\u001b';
  const { created, author, history } = read(imageConfig({ created: odd, author: odd, history: [{ created: odd, created_by: odd, author: odd, comment: odd, unknown: odd }], container_config: { Cmd: [odd] } }));
  const shown = 'a\ufffdb\ufffdc\u001b';
  t.deepEqual([created, author, history], [shown, shown, [{ created: shown, created_by: shown, author: shown, comment: shown }]]);
});

test('what cannot be meant is refused', (t) => {
  const rows: [value: unknown, fault: RegExp][] = [
    ['null', /x is not an object/],
    [imageConfig({ rootfs: null }), /\/rootfs: expected an object, found nothing/],
    [imageConfig({ rootfs: { type: 'layers+base', diff_ids: [] } }), /\/rootfs\/type: expected a kind of root file system \(layers\), found "layers\+base"/],
    [imageConfig({ rootfs: { diff_ids: [] } }), /\/rootfs\/type/],
    [imageConfig({ rootfs: { type: 'layers' } }), /diff_ids: expected an array, found nothing/],
    [imageConfig({ rootfs: { type: 'layers', diff_ids: [someDigest, 'sha1:x'] } }), /\/rootfs\/diff_ids\/1: digests of the algorithm sha1 are not supported/],
    [imageConfig({ os: undefined }), /\/os: expected text that is not empty/],
    [imageConfig({ architecture: undefined }), /\/architecture/],
    [imageConfig({ config: [] }), /\/config: expected an object, found an array/],
    [imageConfig({ config: { Env: 'A=b' } }), /\/config\/Env: expected an array/],
    [imageConfig({ config: { Env: [1] } }), /\/config\/Env\/0: expected text/],
    [imageConfig({ config: { Cmd: [null] } }), /\/config\/Cmd\/0: expected text, found null/],
    [imageConfig({ config: { User: 7 } }), /\/config\/User/],
    [imageConfig({ config: { Volumes: ['/v'] } }), /\/config\/Volumes: expected an object, found an array/],
    [imageConfig({ config: { Healthcheck: { Interval: -1 } } }), /Healthcheck\/Interval/],
    [imageConfig({ config: { Healthcheck: { Interval: '30s' } } }), /Healthcheck\/Interval/],
    [imageConfig({ config: { WorkingDir: '/a\0b' } }), /\/config\/WorkingDir: expected text without NUL/],
    [imageConfig({ config: { Labels: { 'a\0b': '' } } }), /NUL .* in "a\\u0000b"/],
    [imageConfig({ config: { Volumes: { '/\ud800': {} } } }), /NUL or half of a surrogate pair in "/],
    [imageConfig({ history: [1] }), /\/history\/0: expected an object/],
  ];
  for (const [value, fault] of rows) {
    const { code, hint } = t.throws(() => read(value), { instanceOf: TsrunError, message: fault });
    t.deepEqual([code, hint === undefined], ['ERR_TSRUN_IMAGE', false], 'it has a hint');
  }
});

test('manifest and config speak of the same layers', (t) => {
  const image = (layers: number, diffIds: number) => {
    const config = describeConfig(Buffer.from('{}'), read(imageConfig({ rootfs: { type: 'layers', diff_ids: Array.from({ length: diffIds }, () => someDigest) } })));
    const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: someDigest, size: 1, annotations: { a: 'b' } };
    const made = makeManifest(config.descriptor, Array.from({ length: layers }, () => layer));
    const document = readImageDocument(made.bytes, 'x', made.descriptor.mediaType);
    t.is(document.kind, 'manifest');
    if (document.kind === 'manifest') checkImage(document.manifest, config.value, 'x');
  };
  t.notThrows(() => { image(2, 2); });
  t.throws(() => { image(1, 2); }, { message: 'x has 1 layer, but its config speaks of 2' });
  t.throws(() => { image(2, 1); }, { message: 'x has 2 layers, but its config speaks of 1' });
  t.throws(() => { image(0, 0); }, { message: /x has no layers/ });
});

test('property: a changed byte makes an error or a config', (t) => {
  const original = bytes(imageConfig({ config: { Env: ['A=b'], Volumes: { '/v': {} }, Labels: { a: 'b' }, Healthcheck: { Interval: 1 } }, history: [{ empty_layer: true }] }));
  fc.assert(fc.property(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
    const changed = Buffer.from(original);
    changed[at] = (changed[at] ?? 0) ^ mask;
    try {
      t.is(readConfig(changed, 'x').rootfs.diff_ids.length, 1);
    } catch (error) {
      t.true(TsrunError.is(error) && error.code === 'ERR_TSRUN_IMAGE', String(error));
    }
  }), { numRuns: 5000 });
});

/** Objects of the JSON reader have no prototype. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
