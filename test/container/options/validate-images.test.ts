import test from 'ava';
import { Images } from '../../../src/container/images.js';
import { TsrunError } from '../../../src/spec/errors.js';

/** As a caller without types has it. */
function call(method: string, ...args: readonly unknown[]): unknown {
  const images = new Images(() => { throw new Error('asked for a store'); });
  const found: unknown = Reflect.get(images, method);
  if (typeof found !== 'function') throw new Error(`there is no ${method}`);
  return Reflect.apply(found, images, args) as unknown;
}

const bad: readonly (readonly [method: string, args: readonly unknown[], field: string])[] = [
  ['pull', [''], '/reference'],
  ['pull', [7], '/reference'],
  ['pull', ['a', { plattform: 'linux/arm64' }], '/plattform'],
  ['pull', ['a', { platform: 'linux/' }], '/platform'],
  ['pull', ['a', { tlsVerify: 'no' }], '/tlsVerify'],
  ['pull', ['a', { authFile: '' }], '/authFile'],
  ['import', ['a', { tlsVerify: true }], '/tlsVerify'],
  ['import', ['a', { name: '' }], '/name'],
  ['import', [''], '/source'],
  ['import', [process.stdout.constructor], '/source'],
  ['import', [{}], '/source'],
  ['save', [['a'], {}], '/destination'],
  ['import', ['a', { checksum: '0'.repeat(64) }], '/checksum'],
  ['pull', ['a', { checksum: `sha256:${'0'.repeat(64)}` }], '/checksum'],
  ['import', ['a', { limits: { bytes: 0 } }], '/limits/bytes'],
  ['import', ['a', { limits: { files: 1 } }], '/limits/files'],
  ['import', ['a', { signal: {} }], '/signal'],
  ['inspect', [undefined], '/reference'],
  ['changes', ['a', { signal: 1 }], '/signal'],
  ['tag', ['a', ''], '/name'],
  ['remove', ['a', { force: 1 }], '/force'],
  ['prune', [{ everything: true }], '/everything'],
  ['save', [[], '/tmp/x'], '/references'],
  ['save', ['a', '/tmp/x'], '/references'],
  ['save', [['a', ''], '/tmp/x'], '/reference'],
  ['save', [['a'], ''], '/destination'],
  ['save', [['a'], '/tmp/x', { format: 'zip' }], '/format'],
];

test('what means nothing is refused with its place, before anything is loaded', async (t) => {
  for (const [method, args, field] of bad) {
    const error = await t.throwsAsync(async () => await call(method, ...args), { instanceOf: TsrunError }, `${method} ${JSON.stringify(args)}`);
    t.is(error.code, 'ERR_TSRUN_INVALID_ARGUMENT', error.message);
    t.is(error.field, field, `${method} ${JSON.stringify(args)}`);
  }
});

test('control: what means something asks for the store', async (t) => {
  for (const [method, args] of [['list', []], ['inspect', ['a']], ['tag', ['a', 'b']], ['prune', [{ all: true }]]] as const) {
    await t.throwsAsync(async () => await call(method, ...args), { message: 'asked for a store' });
  }
});
