import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import type { Listening } from '../../src/engine/requests.js';
import type { BadBind, Listener } from '../../src/dyno/listeners.js';
import { PortWatch } from '../../src/dyno/port-watch.js';
import { FakeClock } from './fake-clock.js';

const everywhere = Uint8Array.from([0, 0, 0, 0]);
const here = Uint8Array.from([127, 0, 0, 1]);
const open = (port: number): Listener => ({ port, isLoopback: false });

/** A dyno that must listen on 5000 within a minute. */
class Rig {
  readonly clock = new FakeClock();
  readonly watch: PortWatch;
  /** What the tables of the kernel say, and how often they were looked at. */
  listeners: Listener[] = [];
  looks = 0;
  bound = 0;
  readonly wrong: string[] = [];
  ended = 0;
  hear: (told: Listening) => void = () => undefined;

  constructor({ refused = false, timeoutMs = 60_000 } = {}) {
    const source = {
      pid: 1,
      watch: async (hear: (told: Listening) => void) => {
        this.hear = hear;
        if (refused) throw new Error('EPERM');
        return Promise.resolve();
      },
      end: () => {
        this.ended++;
      },
    };
    this.watch = new PortWatch({
      clock: this.clock, port: 5000, source,
      deadlineMs: this.clock.now() + timeoutMs,
      onBound: () => {
        this.bound++;
      },
      onBadBind: ({ port, isLoopback, wantedPort }: BadBind) => {
        this.wrong.push(`${port}${isLoopback ? ' inside' : ''} for ${wantedPort}`);
      },
      read: async () => {
        this.looks++;
        return Promise.resolve(this.listeners);
      },
    });
  }

  async advance(ms: number): Promise<void> {
    for (let at = 0; at < ms; at += 10) {
      this.clock.advance(10);
      await turn();
    }
  }
}

const told = (port: number, address: Uint8Array): Listening => ({ port, address });

test('bound by an event, of either family, without a further look', async (t) => {
  for (const address of [everywhere, new Uint8Array(16), Uint8Array.from([10, 0, 0, 1])]) {
    const rig = new Rig();
    await rig.advance(20_000);
    t.deepEqual([rig.bound, rig.looks], [0, 1], 'nothing is sampled');
    rig.hear(told(5000, address));
    t.deepEqual([rig.bound, rig.ended, rig.clock.pending], [1, 1, 0], 'and what was waited for is not any more');
    rig.hear(told(5000, address));
    await rig.advance(60_000);
    t.deepEqual([rig.bound, rig.looks], [1, 1]);
  }
});

test('who listened before it was asked for is seen by the one look', async (t) => {
  const rig = new Rig();
  rig.listeners = [open(5000)];
  await turn();
  t.deepEqual([rig.bound, rig.looks, rig.ended, rig.clock.pending], [1, 1, 1, 0]);
});

test('a wrong port and a loopback address are looked at, and are what is wrong; what was closed meanwhile is not', async (t) => {
  const rig = new Rig();
  await turn();
  t.is(rig.watch.badBind, undefined);
  rig.listeners = [{ port: 5000, isLoopback: true }];
  rig.hear(told(5000, here));
  await turn();
  t.is(rig.bound, 0);
  t.deepEqual(rig.watch.badBind, { port: 5000, isLoopback: true, wantedPort: 5000 });
  rig.listeners = [open(3000)];
  rig.hear(told(3000, everywhere));
  await turn();
  t.is(rig.watch.badBind?.port, 3000);
  rig.listeners = [];
  await rig.advance(59_500);
  t.is(rig.watch.badBind, undefined, 'by a last look before it is too late');
  t.is(rig.looks, 5, 'one of them when another port would have stood for ten seconds');
});

test('B1: what stays wrong is told long before the time is over, once', async (t) => {
  const rig = new Rig();
  await turn();
  rig.listeners = [{ port: 5000, isLoopback: true }];
  rig.hear(told(5000, here));
  await rig.advance(900);
  t.deepEqual(rig.wrong, []);
  await rig.advance(200);
  t.deepEqual(rig.wrong, ['5000 inside for 5000']);
  rig.hear('lost');
  await rig.advance(59_000);
  t.deepEqual([rig.wrong.length, rig.watch.takeBadBind()], [1, undefined]);
});

test('B1: another port is told after ten seconds, when it is none beside that which is bound then', async (t) => {
  const [wrong, both] = [new Rig(), new Rig()];
  for (const rig of [wrong, both]) {
    await turn();
    rig.listeners = [open(3000)];
    rig.hear(told(3000, everywhere));
    await rig.advance(9000);
    t.deepEqual(rig.wrong, []);
  }
  both.listeners.push(open(5000));
  both.hear(told(5000, everywhere));
  for (const rig of [wrong, both]) await rig.advance(2000);
  t.deepEqual([wrong.wrong, both.wrong, both.bound, both.clock.pending], [['3000 for 5000'], [], 1, 0]);
});

test('what was closed meanwhile is not told, nor what only the dyno itself reaches, before the time is over', async (t) => {
  const [closed, debugged] = [new Rig(), new Rig()];
  await turn();
  closed.listeners = [{ port: 5000, isLoopback: true }];
  closed.hear(told(5000, here));
  debugged.listeners = [{ port: 9229, isLoopback: true }];
  debugged.hear(told(9229, here));
  await turn();
  closed.listeners = [];
  for (const rig of [closed, debugged]) await rig.advance(30_000);
  t.deepEqual([closed.wrong, debugged.wrong], [[], []]);
  t.is(debugged.watch.takeBadBind()?.port, 9229);
});

test('a short time to boot has its last look too', async (t) => {
  const rig = new Rig({ timeoutMs: 200 });
  await turn();
  rig.listeners = [open(3000)];
  await rig.advance(150);
  t.is(rig.watch.badBind?.port, 3000);
  t.is(rig.watch.takeBadBind()?.port, 3000);
  t.is(rig.watch.takeBadBind(), undefined, 'once');
});

test('after events that were lost there is one look', async (t) => {
  const rig = new Rig();
  await rig.advance(1000);
  rig.listeners = [open(5000)];
  rig.hear('lost');
  await turn();
  t.deepEqual([rig.bound, rig.looks], [1, 2]);
});

for (const [what, begin] of [
  ['where the kernel does not tell', () => new Rig({ refused: true })],
  ['of who listened too often', () => {
    const rig = new Rig();
    rig.hear('ended');
    return rig;
  }],
] as const) {
  test(`${what}, its tables are looked at again and again, while it is starting`, async (t) => {
    const rig = begin();
    await rig.advance(2000);
    t.true(rig.looks >= 9 && rig.looks <= 13, `${rig.looks} looks`);
    rig.listeners = [open(5000)];
    await rig.advance(250);
    t.is(rig.bound, 1);
    const { looks } = rig;
    await rig.advance(2000);
    t.deepEqual([rig.looks, rig.bound, rig.ended, rig.clock.pending], [looks, 1, 1, 0]);
  });
}

test('nothing is told after its end, and it ends once', async (t) => {
  const rig = new Rig();
  rig.watch.end();
  rig.watch.end();
  rig.listeners = [open(5000)];
  for (const each of ['lost', 'ended', told(5000, everywhere)] as const) rig.hear(each);
  await rig.advance(60_000);
  t.deepEqual([rig.bound, rig.ended, rig.clock.pending], [0, 1, 0]);
});
