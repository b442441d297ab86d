/** A connection to a launcher that fails leaves nothing open, and says whose fault it is. */
import { constants } from 'node:os';
import test from 'ava';
import { loadNative, type Addon } from '../../src/engine/addon.js';
import { Launcher } from '../../src/engine/launcher.js';
import { Outbox } from '../../src/engine/outbox.js';
import { TsrunError, type ErrorCode } from '../../src/spec/errors.js';

const native = loadNative();
/** A number that no descriptor has. */
const requests = 1_000_000;
const { EMFILE, ETOOMANYREFS = 109, EBADF, EPIPE, ECONNRESET, ENOBUFS } = constants.errno as Readonly<Record<string, number>>;

/** Starts a launcher that is none; gives what became of it, and what was closed. */
function attempt(changes: Partial<Addon>): { readonly error: unknown; readonly closed: number[] } {
  const closed: number[] = [];
  const addon: Addon = { ...native.addon, startLauncher: () => requests, closeDescriptor: (fd) => { closed.push(fd); }, ...changes };
  try {
    Launcher.start({ ...native, addon }, false).close();
    return { error: undefined, closed };
  } catch (error) {
    return { error, closed };
  }
}

test('without a pair of sockets for its events the request socket is closed', (t) => {
  const failed = Object.assign(new Error('socketpair failed'), { syscall: 'socketpair', errno: EMFILE });
  const { error, closed } = attempt({ streamPair: () => { throw failed; } });
  t.like(error, { code: 'ERR_TSRUN_HOST', cause: failed });
  t.deepEqual(closed, [requests]);
});

test('with a first word that cannot be sent nothing stays open', (t) => {
  const theirs: number[] = [];
  const streamPair = (): [number, number] => {
    const pair = native.addon.streamPair();
    theirs.push(pair[1]);
    return pair;
  };
  const { error, closed } = attempt({ streamPair, send: () => EPIPE ?? 0 });
  t.like(error, { code: 'ERR_TSRUN_LAUNCHER_LOST' });
  t.deepEqual(closed, [...theirs, requests]);
  for (const descriptor of theirs) native.addon.closeDescriptor(descriptor);
});

const verdicts: readonly (readonly [number | undefined, ErrorCode, RegExp])[] = [
  [EMFILE, 'ERR_TSRUN_HOST', /ulimit -n/],
  [ETOOMANYREFS, 'ERR_TSRUN_HOST', /ulimit -n/],
  [ENOBUFS, 'ERR_TSRUN_HOST', /sendmsg\(2\)/],
  [EBADF, 'ERR_TSRUN_INVALID_ARGUMENT', /open until/],
  [EPIPE, 'ERR_TSRUN_LAUNCHER_LOST', /open the runtime again/],
  [ECONNRESET, 'ERR_TSRUN_LAUNCHER_LOST', /open the runtime again/],
];

for (const [errno = 0, code, hint] of verdicts) {
  test(`a request that cannot be sent for errno ${errno} is ${code}`, (t) => {
    const outbox = new Outbox({ ...native.addon, send: () => errno }, requests);
    const error = t.throws(() => { outbox.send({ op: 'keep', request: 1, container: 1 }, [], []); }, { instanceOf: TsrunError });
    t.is(error.code, code);
    t.regex(error.hint ?? '', hint);
  });
}

test('one that is closed while it is asked whether it lives does not; one that was abandoned is lost to who asks it', async (t) => {
  const theirs: number[] = [];
  const streamPair = (): [number, number] => {
    const pair = native.addon.streamPair();
    theirs.push(pair[1]);
    return pair;
  };
  const start = () => Launcher.start({ ...native, addon: { ...native.addon, streamPair, startLauncher: () => requests, closeDescriptor: () => undefined, send: () => 0 } }, false);
  const [closed, abandoned] = [start(), start()];
  const answers = Promise.all([closed.isAlive(), abandoned.isAlive()]);
  closed.close();
  abandoned.abandon();
  t.deepEqual(await answers, [false, false]);
  await t.throwsAsync(closed.keep(1), { code: 'ERR_TSRUN_STATE' } as object);
  await t.throwsAsync(abandoned.keep(1), { code: 'ERR_TSRUN_LAUNCHER_LOST' } as object);
  for (const descriptor of theirs) native.addon.closeDescriptor(descriptor);
});

test('a large plan for whose bytes there is no descriptor is an error of the host', (t) => {
  const sealBytes = () => { throw Object.assign(new Error('memfd_create failed'), { syscall: 'memfd_create', errno: EMFILE }); };
  const outbox = new Outbox({ ...native.addon, sealBytes }, requests);
  t.throws(() => { outbox.sendPlan(1, 'a', new Uint8Array(200_000), []); }, { code: 'ERR_TSRUN_HOST', message: /EMFILE/ } as object);
});
