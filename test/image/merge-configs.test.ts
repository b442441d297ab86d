import test from 'ava';
import type { ImageConfig, RunConfig } from '../../src/image/documents.js';
import { mergeConfigs } from '../../src/image/merge-configs.js';

const imageOf = (config: RunConfig | undefined, diffIds: readonly string[], parts: Partial<ImageConfig> = {}): ImageConfig => ({
  os: 'linux', architecture: 'arm64', ...parts, rootfs: { type: 'layers', diff_ids: diffIds }, ...(config !== undefined && { config }),
});
const merged = (stack: RunConfig | undefined, slug: RunConfig | undefined) => mergeConfigs(imageOf(stack, []), imageOf(slug, [])).config;

test('what the slug says stands, and what it does not say is the stack\'s', (t) => {
  const stack = { User: '0', WorkingDir: '/', Cmd: ['bash'], StopSignal: 'SIGINT', Healthcheck: { Test: ['NONE'] } };
  t.deepEqual(merged(stack, { User: 'app', WorkingDir: '/app', Cmd: ['node', '.'] }), { ...stack, User: 'app', WorkingDir: '/app', Cmd: ['node', '.'] });
  t.deepEqual(merged(stack, undefined), stack);
  t.deepEqual(merged(undefined, stack), stack);
});

test('the slug\'s variables are laid over the stack\'s, one of a name', (t) => {
  t.deepEqual(merged({ Env: ['PATH=/bin', 'HOME=/root', 'STACK=x'] }, { Env: ['HOME=/app', 'PORT=5000'] })?.Env, ['PATH=/bin', 'HOME=/app', 'STACK=x', 'PORT=5000']);
});

test('ports, volumes and labels are laid over each other', (t) => {
  t.deepEqual(
    merged({ ExposedPorts: { '1/tcp': {} }, Volumes: { '/a': {} }, Labels: { a: '1', b: '1' } }, { ExposedPorts: { '2/tcp': {} }, Volumes: { '/b': {} }, Labels: { b: '2' } }),
    { ExposedPorts: { '1/tcp': {}, '2/tcp': {} }, Volumes: { '/a': {}, '/b': {} }, Labels: { a: '1', b: '2' } },
  );
});

test('a command of the slug follows the stack\'s entrypoint; an entrypoint of the slug takes the stack\'s command away', (t) => {
  t.deepEqual(merged({ Entrypoint: ['/entry'], Cmd: ['a'] }, { Cmd: ['b'] }), { Entrypoint: ['/entry'], Cmd: ['b'] });
  t.deepEqual(merged({ Entrypoint: ['/entry'], Cmd: ['a'] }, { Entrypoint: ['/launch'] }), { Entrypoint: ['/launch'] });
  t.deepEqual(merged({ Cmd: ['a'] }, { Entrypoint: ['/launch'], Cmd: ['b'] }), { Entrypoint: ['/launch'], Cmd: ['b'] });
});

test('platform and layers are the stack\'s first; history names all layers or none', (t) => {
  const stack = imageOf({}, ['sha256:1', 'sha256:2'], { variant: 'v8', created: 'then', history: [{ created_by: 'a' }, { empty_layer: true }, { created_by: 'b' }] });
  const slug = { ...imageOf({}, ['sha256:3'], { created: 'now' }), architecture: 'amd64' };
  const { architecture, variant, created, rootfs, history } = mergeConfigs(stack, slug);
  t.deepEqual([architecture, variant, created], ['arm64', 'v8', 'now']);
  t.deepEqual(rootfs.diff_ids, ['sha256:1', 'sha256:2', 'sha256:3']);
  t.deepEqual(history, [{ created_by: 'a' }, { empty_layer: true }, { created_by: 'b' }, {}]);
  t.is(mergeConfigs(imageOf({}, []), imageOf({}, [])).history, undefined);
});
