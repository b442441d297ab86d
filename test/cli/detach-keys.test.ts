import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { DetachKeys } from '../../src/cli/program/detach-keys.js';

interface Typed {
  readonly passed: string;
  readonly detached: number;
}

/** What comes through when this is typed, a write each. */
async function type(writes: readonly string[], pauseMs = 0): Promise<Typed> {
  let detached = 0;
  let passed = '';
  const keys = new DetachKeys(() => detached++);
  keys.setEncoding('latin1').on('data', (text: string) => {
    passed += text;
  });
  for (const text of writes) {
    keys.write(Buffer.from(text, 'latin1'));
    await delay(pauseMs);
  }
  keys.end();
  await new Promise((resolve) => keys.once('end', resolve));
  return { passed, detached };
}

test('what is typed passes as it is', async (t) => {
  // Downwards, so that ctrl-q does not follow ctrl-p.
  const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, index) => 255 - index));
  t.deepEqual(await type([bytes]), { passed: bytes, detached: 0 });
  t.deepEqual(await type(['\x11', '\x11']), { passed: '\x11\x11', detached: 0 });
});

test('ctrl-p ctrl-q detaches, in one piece or two; nothing after it passes', async (t) => {
  t.deepEqual(await type(['ab\x10\x11cd']), { passed: 'ab', detached: 1 });
  t.deepEqual(await type(['ab\x10', '\x11']), { passed: 'ab', detached: 1 });
  t.deepEqual(await type(['\x10\x10\x11']), { passed: '\x10', detached: 1 });
});

test('a ctrl-p passes with what follows, or after a moment, or at the end', async (t) => {
  t.deepEqual(await type(['\x10x']), { passed: '\x10x', detached: 0 });
  t.deepEqual(await type(['\x10', 'x']), { passed: '\x10x', detached: 0 });
  t.deepEqual(await type(['\x10', '\x11'], 700), { passed: '\x10\x11', detached: 0 });
  t.deepEqual(await type(['\x10']), { passed: '\x10', detached: 0 });
});
