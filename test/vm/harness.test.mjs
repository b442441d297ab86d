// The harness itself, on its default lane: what a command says and how it ends must arrive unchanged, and nothing may stay behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { defaultLane } from './lanes.mjs';

const harness = join(import.meta.dirname, 'run.mjs');
const insideGuest = process.env.TSRUN_LANE !== undefined;
const onHost = insideGuest ? test.serial.skip : test.serial;

function start(...args) {
  const child = spawn(process.execPath, [harness, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  const errors = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => errors.push(chunk));
  const ended = once(child, 'close').then(([status, signal]) => ({ status, signal, output: Buffer.concat(output), errors: Buffer.concat(errors).toString() }));
  return { child, ended };
}

const inGuest = (script) => start('--timeout', '300', '--', 'bash', '-c', script).ended;

function emulatorsOf(pid) {
  const isOurs = (name) => {
    try {
      const parent = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ').at(-1).split(' ')[1];
      return Number(parent) === pid && readFileSync(`/proc/${name}/cmdline`, 'latin1').startsWith('qemu-system');
    } catch {
      return false;
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isOurs(name)).map(Number);
}

async function until(condition) {
  const end = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('waited for a minute in vain');
    await delay(50);
  }
}

test.beforeEach((t) => t.timeout(600_000));

// The first guest of a machine has its kernel fetched, and says so among the errors.
test.before('the kernel is there', async (t) => {
  t.timeout(600_000);
  if (!insideGuest) await inGuest('true');
});

onHost('both streams arrive byte by byte, with the exit status', async (t) => {
  const every = 'for i in $(seq 0 255); do printf "\\\\x$(printf %02x $i)"; done';
  const { status, output, errors } = await inGuest(`${every}; head -c 3000000 /dev/zero; printf end; printf problem >&2; exit 42`);
  t.is(status, 42);
  t.is(errors, 'problem');
  t.deepEqual(output, Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), Buffer.alloc(3_000_000), Buffer.from('end')]));
});

onHost('the lane is what it says: place, environment, controllers, privilege, id-mappable fixtures', async (t) => {
  const { status, output } = await inGuest(`
    pwd; echo "$TSRUN_LANE"; uname -r | cut -d. -f1,2; ls "$TSRUN_FIXTURES"/{busybox,debian}/bin/sh; stat -f -c %T "$TSRUN_FIXTURES"
    cat /sys/fs/cgroup/cgroup.subtree_control; grep CapEff /proc/self/status; tail -n +2 /proc/swaps; exec node -p 1+1`);
  const places = [process.cwd(), defaultLane, defaultLane.replace('vm-', ''), ...['busybox', 'debian'].map((name) => `/var/lib/tsrun-images/${name}/bin/sh`), 'ext2/ext3'];
  t.is(status, 0);
  t.is(output.toString(), [...places, 'cpuset cpu io memory hugetlb pids rdma misc', 'CapEff:\t000001ffffffffff', '2', ''].join('\n'));
});

onHost('a process left behind does not hold the run, a missing command is 127', async (t) => {
  const { status, output } = await inGuest('sleep 1000 & echo started; exec no-such-command');
  t.is(status, 127);
  t.is(output.toString(), 'started\n');
});

onHost('a command that takes too long ends with 124 and leaves no emulator', async (t) => {
  const { child, ended } = start('--timeout', '3', '--', 'sleep', '1000');
  await until(() => emulatorsOf(child.pid).length === 1);
  const emulators = emulatorsOf(child.pid);
  const { status, errors } = await ended;
  t.is(status, 124);
  t.regex(errors, /no result after 3 s/);
  await until(() => !emulators.some(isAlive));
  t.pass();
});

for (const [signal, expected] of [['SIGTERM', { status: 143, signal: null }], ['SIGKILL', { status: null, signal: 'SIGKILL' }]]) {
  onHost(`${signal} to the harness ends the emulator`, async (t) => {
    const { child, ended } = start('--', 'sleep', '1000');
    await until(() => emulatorsOf(child.pid).length === 1);
    const emulators = emulatorsOf(child.pid);
    child.kill(signal);
    t.like(await ended, expected);
    await until(() => !emulators.some(isAlive));
  });
}

function isAlive(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)[0] !== 'Z';
  } catch {
    return false;
  }
}
