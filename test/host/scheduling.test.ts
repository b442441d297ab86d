/** Scheduling policy, I/O priority, execution domain and umask of a bundle's program: looked at from inside, and from /proc outside. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Container, Linux, Process } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { needs, type Need } from '../support/needs.js';
import { statusFields, statusOf } from '../support/proc.js';

const lab = new Lab();
const common: readonly Need[] = ['root', 'userns', 'overlay'];
const here = needs(...common);

/** A bundle of the fixture that has a user namespace only where nothing is said of the host's. */
function bundle(process: Partial<Process>, linux: Partial<Linux> = {}): string {
  const folder = mkdtempSync(join(lab.scratch, 'bundle-'));
  const spec = {
    ociVersion: '1.2.0',
    root: { path: lab.image, readonly: true },
    process: { user: { uid: 0, gid: 0 }, cwd: '/', args: ['sleep', '1000'], env: ['PATH=/bin'], ...process },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { namespaces: ['pid', 'mount', 'ipc'].map((type) => ({ type })), ...linux },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(spec));
  return folder;
}

async function within(image: string, body: (container: Container) => Promise<void> | void): Promise<void> {
  const container = await lab.start({ stdout: 'ignore', stderr: 'ignore' }, image);
  try {
    await body(container);
  } finally {
    await container[Symbol.asyncDispose]();
  }
}

/** proc(5): fields 19, 40 and 41 of a stat line; the name in the second may hold anything. */
function scheduling(stat: string): { readonly nice: number; readonly priority: number; readonly policy: number } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).trim().split(' ').map(Number);
  const [nice = NaN, priority = NaN, policy = NaN] = [fields[16], fields[37], fields[38]];
  return { nice, priority, policy };
}

/** From inside by the program's own stat, from outside by that of its pid. */
async function isScheduled(t: ExecutionContext, scheduler: NonNullable<Process['scheduler']>, expected: ReturnType<typeof scheduling>): Promise<void> {
  const { stdout, stderr } = await lab.run({}, bundle({ scheduler, args: ['cat', '/proc/self/stat'] }));
  t.deepEqual(scheduling(stdout), expected, `inside ${scheduler.policy} ${stderr}`);
  await within(bundle({ scheduler }), ({ pid }) => {
    t.deepEqual(scheduling(readFileSync(`/proc/${pid}/stat`, 'utf8')), expected, `outside ${scheduler.policy}`);
  });
}

here('control: without a scheduler it is the usual one', async (t) => {
  await within(bundle({}), ({ pid }) => {
    t.deepEqual(scheduling(readFileSync(`/proc/${pid}/stat`, 'utf8')), { nice: 0, priority: 0, policy: 0 });
  });
});

here('policies that anybody may have', async (t) => {
  await isScheduled(t, { policy: 'SCHED_OTHER', nice: 7 }, { nice: 7, priority: 0, policy: 0 });
  await isScheduled(t, { policy: 'SCHED_BATCH', nice: 3 }, { nice: 3, priority: 0, policy: 3 });
  await isScheduled(t, { policy: 'SCHED_IDLE' }, { nice: 0, priority: 0, policy: 5 });
});

needs(...common, 'capability:CAP_SYS_NICE')('policies that need CAP_SYS_NICE of the host', async (t) => {
  await isScheduled(t, { policy: 'SCHED_OTHER', nice: -5 }, { nice: -5, priority: 0, policy: 0 });
  await isScheduled(t, { policy: 'SCHED_FIFO', priority: 5 }, { nice: 0, priority: 5, policy: 1 });
  await isScheduled(t, { policy: 'SCHED_RR', priority: 9 }, { nice: 0, priority: 9, policy: 2 });
  await isScheduled(t, { policy: 'SCHED_DEADLINE', runtime: 1_000_000, deadline: 50_000_000, period: 100_000_000 }, { nice: 0, priority: 0, policy: 6 });
});

needs(...common, 'capability:CAP_SYS_NICE')('children fall back to the usual policy with SCHED_FLAG_RESET_ON_FORK, and only then', async (t) => {
  const child = ['sh', '-c', 'cat /proc/self/stat; true'];
  for (const [flags, policy] of [[['SCHED_FLAG_RESET_ON_FORK'], 0], [[], 1]] as const) {
    const { stdout } = await lab.run({}, bundle({ scheduler: { policy: 'SCHED_FIFO', priority: 5, flags: [...flags] }, args: child }));
    t.is(scheduling(stdout).policy, policy, flags.join());
  }
});

needs(...common, 'command:ionice')('I/O priority', async (t) => {
  const cases: readonly [NonNullable<Process['ioPriority']>, RegExp][] = [
    [{ class: 'IOPRIO_CLASS_BE', priority: 6 }, /^best-effort: prio 6$/im],
    [{ class: 'IOPRIO_CLASS_BE', priority: 0 }, /^best-effort: prio 0$/im],
    [{ class: 'IOPRIO_CLASS_IDLE' }, /^idle/im],
    [{ class: 'IOPRIO_CLASS_RT', priority: 2 }, /^realtime: prio 2$/im],
  ];
  for (const [ioPriority, said] of cases) {
    t.regex((await lab.run({}, bundle({ ioPriority, args: ['ionice'] }))).stdout, said, `inside ${ioPriority.class}`);
    await within(bundle({ ioPriority }), ({ pid }) => {
      t.regex(spawnSync('ionice', ['-p', String(pid)], { encoding: 'utf8' }).stdout, said, `outside ${ioPriority.class}`);
    });
  }
});

here('the execution domain: uname tells of a 32-bit machine, and /proc of the personality', async (t) => {
  const machine = async (linux: Partial<Linux>) => (await lab.run({}, bundle({ args: ['uname', '-m'] }, linux))).stdout.trim();
  const [native, other] = process.arch === 'arm64' ? (['aarch64', 'armv8l'] as const) : (['x86_64', 'i686'] as const);
  t.is(await machine({}), native, 'control');
  t.is(await machine({ personality: { domain: 'LINUX' } }), native);
  t.is(await machine({ personality: { domain: 'LINUX32' } }), other);
  await within(bundle({}, { personality: { domain: 'LINUX32' } }), ({ pid }) => {
    t.is(readFileSync(`/proc/${pid}/personality`, 'utf8').trim(), '00000008');
  });
});

here('the umask of a bundle, and of who runs it', async (t) => {
  for (const [umask, text] of [[0o77, '0077'], [0, '0000'], [undefined, '0022']] as const) {
    const user = { uid: 0, gid: 0, ...(umask !== undefined && { umask }) };
    const { stdout } = await lab.run({}, bundle({ user, args: ['cat', '/proc/self/status'] }));
    t.is(statusFields(stdout).get('Umask'), text, 'inside');
    await within(bundle({ user }), ({ pid }) => {
      t.is(statusOf(pid).get('Umask'), text, 'outside');
    });
  }
  const container = await lab.idle({ umask: 0o27 });
  t.is(statusOf(container.pid).get('Umask'), '0027');
  t.is((await lab.exec(container, { command: ['sh', '-c', 'umask'] })).stdout, '0027\n', 'what is executed in it has it too');
  await container[Symbol.asyncDispose]();
  const { stdout } = await lab.sh('cd /tmp; : > file; mkdir folder; stat -c %a file folder', { umask: 0o27 });
  t.is(stdout, '640\n750\n', 'and files are made with it');
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
