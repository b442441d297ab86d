// A launcher that has no descriptor left: what asks for one fails and is told so; what runs goes on.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { start } from '../../src/container/connection.js';
import { loadNative } from '../../src/engine/addon.js';
import { Runtime, SetupError, TsrunError, type Container } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { launchersOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';
import { RawClient } from '../support/raw-client.js';
import { until } from '../support/until.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay', 'command:prlimit');

function launcherOf(): number {
  const [launcher] = launchersOf(lab.stateRoot);
  if (launcher === undefined) throw new Error('no launcher is found');
  return launcher;
}

function setLimit(pid: number, limit: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
}

/** Leaves the launcher this many descriptors above its highest. */
async function withRoomFor<T>(room: number, body: (launcher: number) => Promise<T>): Promise<T> {
  const launcher = launcherOf();
  const before = Number(/^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${launcher}/limits`, 'utf8'))?.[1]);
  const descriptors = new Set(readdirSync(`/proc/${launcher}/fd`).map(Number));
  // Numbers that are free below the highest count as room.
  let limit = 0;
  for (let free = 0; free < room || descriptors.has(limit); limit++) if (!descriptors.has(limit)) free++;
  setLimit(launcher, limit);
  try {
    return await body(launcher);
  } finally {
    setLimit(launcher, before);
  }
}

/** Milliseconds of processor time that a process took. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function failure(start: Promise<Container>): Promise<SetupError> {
  const error = await start.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof SetupError) return error;
  throw new Error(`it started, or failed otherwise: ${String(error)}`);
}

here('a start that finds no descriptor fails alone, wherever it stands', async (t) => {
  const container = await lab.idle();
  for (let room = 0; room < 40; room++) {
    await withRoomFor(room, async () => {
      const options = { command: ['true'], stdin: process.stdin.fd, stdout: 'pipe', stderr: 'ignore' } as const;
      const started = await lab.start(options).then(async ({ exited }) => exited, (error: unknown) => error);
      if (!(started instanceof SetupError)) return void t.like(started, { code: 0 }, `room ${room}`);
      t.is(started.errnoName, 'EMFILE', `room ${room}: ${started.message}`);
    });
    t.is(container.exitStatus, undefined, `room ${room}`);
  }
  t.is((await lab.exec(container, { command: ['true'] })).status.code, 0);
  await container.stop({ graceMs: 0 });
});

here('a terminal for which there is no room fails the start', async (t) => {
  const container = await lab.idle();
  for (let room = 0; room < 24; room++) {
    await withRoomFor(room, async () => {
      const started = await lab.start({ command: ['true'], terminal: true }).catch((error: unknown) => error);
      if (started instanceof SetupError) return void t.is(started.errnoName, 'EMFILE', `room ${room}: ${started.message}`);
      const { terminal, exited } = started as Container;
      t.truthy(terminal, `room ${room}`);
      terminal?.output.resume();
      t.like(await exited, { code: 0 });
    });
    t.is(container.exitStatus, undefined);
  }
  t.is((await failure(withRoomFor(0, async () => lab.start({ command: ['true'], terminal: true })))).errnoName, 'EMFILE');
  await container.stop({ graceMs: 0 });
});

here('a connection for which there is no room waits, and costs nothing meanwhile', async (t) => {
  const container = await lab.idle();
  const client = await withRoomFor(0, async (launcher) => {
    const waiting = new RawClient(join(lab.stateRoot, 'launchers', container.record.launcher));
    waiting.read();
    const before = cpuMs(launcher);
    await delay(1000);
    t.true(cpuMs(launcher) - before < 300, `${cpuMs(launcher) - before} ms`);
    t.deepEqual(waiting.events, []);
    await container.kill(0).catch(() => undefined);
    return waiting;
  });
  t.is((await lab.exec(container, { command: ['true'] })).status.code, 0);
  await until(() => client.events.length > 0, 'the connection');
  client.close();
  await container.stop({ graceMs: 0 });
});

const ownDescriptors = () => readdirSync('/proc/self/fd').map(Number);

/** Leaves this process room for so many descriptors; nothing but the body may open any meanwhile. */
function withOwnRoomFor<T>(room: number, body: () => T): T {
  const before = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  setLimit(process.pid, Math.max(...ownDescriptors()) + 40);
  const filling: number[] = [];
  try {
    for (;;) filling.push(openSync('/dev/null', 'r'));
  } catch {
    for (const descriptor of filling.splice(0, room)) closeSync(descriptor);
    return body();
  } finally {
    for (const descriptor of filling) closeSync(descriptor);
    setLimit(process.pid, before);
  }
}

here('a launcher for which this process has no descriptors is refused by the host, and none is kept', async (t) => {
  const native = loadNative();
  const before = ownDescriptors().length;
  let started = 0;
  for (let room = 0; room < 12; room++) {
    const outcome = await withOwnRoomFor(room, async () => start(native, false)).catch((error: unknown) => error);
    if (outcome instanceof TsrunError) {
      t.like(outcome, { code: 'ERR_TSRUN_HOST', message: 'the launcher cannot be started: no descriptor is left (EMFILE)' }, `room ${room}: ${outcome.message}`);
      t.regex(outcome.hint ?? '', /ulimit -n/);
    } else if (outcome instanceof Error) {
      t.fail(`room ${room}: ${outcome.message}`);
    } else {
      started++;
      (outcome as Awaited<ReturnType<typeof start>>).close();
    }
    await until(() => ownDescriptors().length <= before, `the descriptors of before, with room for ${room}`);
  }
  t.true(started > 0, 'control');
});

here('nor is a runtime opened without them, and that is said as any other fault of the host', async (t) => {
  for (let room = 0; room < 4; room++) {
    const outcome = await withOwnRoomFor(room, async () => Runtime.open({ root: lab.stateRoot })).catch((error: unknown) => error);
    if (outcome instanceof Runtime) await outcome.close();
    else t.like(outcome, { code: 'ERR_TSRUN_HOST' }, String(outcome));
    t.true(room > 0 || TsrunError.is(outcome), 'without any there is none');
  }
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
