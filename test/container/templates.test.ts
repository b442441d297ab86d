// Which starts are alike: all that a plan depends on is in the key, and what only the host can tell has none.
import test from 'ava';
import { copyOf, isOfTheMoment, templateKey } from '../../src/container/templates.js';
import type { RunOptions } from '../../src/container/options/options.js';
import type { Linux } from '../../src/spec/types.js';

const keyOf = (options: RunOptions, changes: Partial<Parameters<typeof templateKey>[0]> = {}) =>
  templateKey({ image: './image', idRange: { start: 524_288, size: 65_536 }, awaitStart: false, ...changes, options });

test('name, signal and who is told of warnings do not tell starts apart', (t) => {
  const key = keyOf({ command: ['true'] });
  t.is(keyOf({ command: ['true'], id: 'web.1', signal: new AbortController().signal, onWarning: () => undefined }), key);
  t.is(keyOf({ command: ['true'], id: 'web.2' }), key);
});

test('all else does', (t) => {
  const options: RunOptions = { command: ['true'] };
  const keys = [
    keyOf(options), keyOf({ command: ['false'] }), keyOf({ ...options, memory: 1 }), keyOf({ ...options, memory: '1' }), keyOf({ ...options, env: { a: 'b' } }),
    keyOf({ ...options, stdin: 3 }), keyOf(options, { image: './other' }), keyOf(options, { awaitStart: true }),
    keyOf(options, { idRange: undefined }), keyOf(options, { idRange: { start: 589_824, size: 65_536 } }), keyOf({ ...options, mounts: [] }),
  ];
  t.is(new Set(keys).size, keys.length);
  t.false(keys.includes(undefined));
});

test('what depends on the host of the moment has no key', (t) => {
  const asked: readonly RunOptions[] = [
    { devices: [{ source: '/dev/fuse' }] }, { privileged: true }, { network: 'host' }, { network: { path: '/run/netns/a' } },
    { namespaces: { ipc: { fd: 5 } } }, { namespaces: { user: { path: '/proc/1/ns/user' } } },
  ];
  for (const options of asked) t.is(keyOf(options), undefined, JSON.stringify(options));
});

test('a bundle is compiled anew each time that joins a namespace, or has an ordinary user given nodes of the host', (t) => {
  const of = (linux: Linux, uid = 0) => isOfTheMoment({ ociVersion: '1.2.0', linux }, { uid });
  t.true(of({ namespaces: [{ type: 'mount' }, { type: 'user', path: '/proc/1/ns/user' }] }));
  t.false(of({ namespaces: [{ type: 'mount' }, { type: 'user' }] }));
  const devices: Linux['devices'] = [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229 }];
  t.deepEqual([of({ devices }), of({ devices }, 1000), of({ devices: [] }, 1000), isOfTheMoment({ ociVersion: '1.2.0' }, { uid: 1000 })], [false, true, false, false]);
});

test('what JSON has no form for has no key, so that it is looked at', (t) => {
  const misspelt = { command: ['true'], memroy: () => 1 };
  t.is(keyOf(misspelt), undefined);
  const wrong: RunOptions = {};
  Object.assign(wrong, { command: [1n] });
  t.is(keyOf(wrong), undefined);
  for (const env of [new Map([['A', 'b']]), new Set(), new Date(), { A: () => 'b' }, { toJSON: () => ({}) }]) {
    const given: RunOptions = { command: ['true'] };
    Object.assign(given, { env });
    t.is(keyOf(given), undefined, Object.prototype.toString.call(env));
  }
});

test('a copy does not follow its model', (t) => {
  const env = { a: '1' };
  const copy = copyOf({ env, signal: new AbortController().signal, onWarning: () => undefined });
  env.a = '2';
  t.deepEqual(copy, { env: { a: '1' } });
});
