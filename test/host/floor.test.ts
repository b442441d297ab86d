/**
 * The floor of the bench makes the system calls of the default plan and no others. Both are traced; two runs of different length are
 * subtracted, so that what a process does once is not counted.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { floorArguments } from '../../bench/floor.js';
import { defaultRun } from '../../bench/orders.js';
import { makeWorkspace, type Workspace } from '../../bench/workspace.js';
import { Runtime } from '../../src/index.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';

/** What the launcher does beside the plan, and why the floor does not. */
const besidePlan: readonly (readonly [call: RegExp, reason: string])[] = [
  [/^epoll_/, 'one loop for all containers; the floor waits for one'],
  [/^recvmsg\(/, 'requests from Node, and the word of the child that its program runs'],
  [/^sendto\(.*MSG_DONTWAIT/, 'events for Node'],
  [/^sendmsg\(/, 'descriptors for Node'],
  [/^clock_gettime\(/, 'start and end in the report; the floor reads its clock without a system call'],
  [/^(?:brk|mmap|munmap|madvise)\(/, 'memory of the launcher\'s own books'],
];

/** A call, with its error when it failed: a missing folder that is looked for twice is two calls. */
type Histogram = ReadonlyMap<string, number>;

const runs = { few: 2, many: 6 };

const lab = new Lab();

needs('root', 'overlay', 'cgroup2', 'command:strace', 'command:cc')('the floor makes the system calls of the default plan and no others', async (t) => {
  t.timeout(60_000 * patience);
  const workspace = makeWorkspace(lab.scratch);
  try {
    const traces = new Traces(workspace);
    const program = resolve(import.meta.dirname, '../../bench/run-some.js');
    const plan = await defaultPlan(workspace);
    const floor = floorArguments(plan, workspace, 'full');
    const tsrun = traces.perContainer('tsrun', (count) => ({ command: [process.execPath, program, workspace.rootfs, workspace.stateOf('tsrun'), String(count)] }));
    const plain = traces.perContainer('floor', (count) => ({ command: [workspace.floor, ...floor], input: `${count} 1\n` }));
    t.true(total(tsrun.launcher) > 50 && total(tsrun.container) > 100, 'traces look whole');
    t.deepEqual(readable(plain), readable(tsrun), 'bench/floor follows native/steps: change it with them');
  } finally {
    workspace.remove();
  }
});

lab.declareLeakTest();

async function defaultPlan({ rootfs, stateOf }: Workspace) {
  await using runtime = await Runtime.open({ root: stateOf('plan') });
  return await runtime.plan(rootfs, defaultRun);
}

interface Traced {
  readonly command: readonly string[];
  readonly input?: string;
}

interface Halves {
  readonly launcher: Histogram;
  readonly container: Histogram;
}

class Traces {
  readonly #folder: string;

  constructor({ path }: Workspace) {
    this.#folder = join(path, 'traces');
  }

  perContainer(name: string, run: (count: number) => Traced): Halves {
    const few = this.#trace(`${name}-few`, run(runs.few));
    const many = this.#trace(`${name}-many`, run(runs.many));
    const each = (half: keyof Halves) => difference(many[half], few[half], runs.many - runs.few);
    return { launcher: each('launcher'), container: each('container') };
  }

  #trace(name: string, { command, input = '' }: Traced): Halves {
    const folder = join(this.#folder, name);
    mkdirSync(folder, { recursive: true });
    // One file a process: no line is cut in two by another's.
    execFileSync('strace', ['-ff', '-qq', '-s', '0', '-o', join(folder, 'pid'), ...command], { input, stdio: ['pipe', 'ignore', 'inherit'], timeout: 30_000 * patience });
    const processes = readdirSync(folder).map((file) => callsOf(readFileSync(join(folder, file), 'utf8')));
    const launcher = processes.find((calls) => calls.some((call) => /^clone3\(.*CLONE_NEWPID/.test(call))) ?? [];
    const containers = processes.filter((calls) => calls.some((call) => call.startsWith('pivot_root(')) && calls !== launcher).filter(isContainer);
    return {
      launcher: histogram(launcher.filter((call) => !besidePlan.some(([pattern]) => pattern.test(call)))),
      container: histogram(containers.flatMap(upToExec)),
    };
  }
}

/** Others pivot as well: tsrun's launcher and the floor do so once, for themselves. */
function isContainer(calls: readonly string[]): boolean {
  return calls.some((call) => /^execve\("\/bin\/true"|^seccomp\(/.test(call));
}

function callsOf(trace: string): string[] {
  return trace.split('\n').filter((line) => /^\w+\(/.test(line));
}

/** What the program itself does is not the plan's. */
function upToExec(calls: readonly string[]): string[] {
  const last = calls.findIndex((call) => call.startsWith('execve('));
  return calls.slice(0, last + 1);
}

function histogram(calls: readonly string[]): Histogram {
  const counts = new Map<string, number>();
  for (const call of calls) {
    const name = call.slice(0, call.indexOf('('));
    const error = / = -1 (E\w+)/.exec(call)?.[1];
    const key = error === undefined ? name : `${name} ${error}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function difference(many: Histogram, few: Histogram, by: number): Histogram {
  const names = [...new Set([...many.keys(), ...few.keys()])];
  const counts = names.map((name) => [name, ((many.get(name) ?? 0) - (few.get(name) ?? 0)) / by] as const);
  return new Map(counts.filter(([, count]) => count !== 0));
}

function readable({ launcher, container }: Halves) {
  return { launcher: sorted(launcher), container: sorted(container) };
}

function sorted(counts: Histogram): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function total(counts: Histogram): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
