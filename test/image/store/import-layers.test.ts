import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { makeImage, makeLayer, storeLab, unpackWithTar } from '../../support/store-lab.js';

test('layers are unpacked side by side, and so many and no more', async (t) => {
  const lab = storeLab(t);
  const atOnce = Math.min(4, availableParallelism() + 1);
  let begun = 0;
  let running = 0;
  let most = 0;
  let letGo = (): void => undefined;
  // One layer alone would wait here for ever.
  const enough = new Promise<void>((resolve) => { letGo = resolve; });
  const store = await lab.open({
    unpack: async (request) => {
      most = Math.max(most, ++running);
      if (++begun === atOnce) letGo();
      await enough;
      return unpackWithTar(request).finally(() => { running--; });
    },
  });
  const layers = Array.from({ length: 9 }, (_, index) => makeLayer({ [`file-${index}`]: String(index) }));
  const record = await store.import(makeImage(layers), { names: [], tell: () => undefined });
  t.deepEqual(record.layers.map(({ diffId }) => diffId), layers.map(({ diffId }) => diffId), 'in their order all the same');
  t.deepEqual([begun, most], [9, atOnce]);
});

test('a source that lends its pieces may use their memory again', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const layer = makeLayer({ a: Array.from({ length: 200_000 }, (_, index) => String(index * 104_729)).join() });
  const { bytes, descriptor } = layer;
  async function* lend({ offset }: { readonly offset: number }): AsyncGenerator<Buffer> {
    const memory = Buffer.alloc(100_000);
    for (let at = offset; at < bytes.length; at += memory.length) {
      const length = bytes.copy(memory, 0, at);
      yield memory.subarray(0, length);
      await setImmediate();
      memory.fill('x');
    }
  }
  t.true(bytes.length > 500_000);
  await store.import(makeImage([{ ...layer, lend }]), { names: [], tell: () => undefined });
  t.deepEqual(readFileSync(store.parts.layout.blob(descriptor.digest)), bytes);
  t.deepEqual(layer.opened, [], 'it is not opened as a stream as well');
});
