// Each command of tsrun-oci is killed at its system calls, and has them fail: what is left can be deleted, and the command given again.
// The short form takes a sample, TSRUN_LONG=1 every call with every error.
import { join } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { momentsIn, sample, type Moment } from '../support/faults.js';
import { needs } from '../support/needs.js';
import { ociLab, program, type Answer } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const lab = ociLab();
const here = needs('root', 'cgroup2', `file:/${program.slice(1)}`, 'command:strace');
const errors = ['ENOMEM', 'EIO', 'ENOSPC', 'EINTR', 'EMFILE', 'EPERM'] as const;
/** Memory of the program's own: their neighbours stand for them, and a failure of theirs is the C library's. */
const ofMemory = new Set(['brk', 'mmap', 'munmap', 'mprotect', 'execve', 'exit_group', 'arch_prctl', 'set_tid_address', 'set_robust_list', 'rseq']);

interface Scene {
  /** Brings a container to where the command may be given. */
  readonly prepare: () => string;
  readonly command: (id: string) => readonly string[];
  /** Gives what is not as it should be after the command was given again, or could not be. */
  readonly again: (id: string) => string | undefined;
  /** Whether the next fault may meet the same container. */
  readonly kept: boolean;
}

const bundle = lab.bundle();
const resources = join(lab.folder, 'resources.json');
writeFileSync(resources, JSON.stringify({ unified: { 'cgroup.max.depth': '3' } }));
const mounts = join(lab.folder, 'mounts.json');
writeFileSync(mounts, JSON.stringify([{ destination: '/tmp', type: 'tmpfs' }]));

function call(...words: readonly string[]): string | undefined {
  const { code, stderr } = lab.call(...words);
  return code === 0 ? undefined : `${words.join(' ')}: ${stderr}`;
}

function running(): string {
  return lab.running();
}

function created(): string {
  const id = lab.newId();
  const trouble = call('create', '--bundle', bundle, id);
  if (trouble !== undefined) throw new Error(trouble);
  return id;
}

/** The container's status must be one of these; the command is given again where it is the first. */
function fromOrTo(before: string, after: string, ...words: readonly string[]): string | undefined {
  const [, id = ''] = words;
  const status = lab.status(id);
  if (status === after) return undefined;
  return status === before ? (call(...words) ?? (lab.status(id) === after ? undefined : `it is ${String(lab.status(id))}`)) : `it is ${String(status)}`;
}

const scenes: Readonly<Record<string, Scene>> = {
  create: {
    prepare: () => lab.newId(),
    command: (id) => ['create', '--bundle', bundle, id],
    again: (id) => call('delete', '--force', id) ?? call('create', '--bundle', bundle, id),
    kept: false,
  },
  start: { prepare: created, command: (id) => ['start', id], again: (id) => fromOrTo('created', 'running', 'start', id), kept: false },
  exec: { prepare: running, command: (id) => ['exec', id, 'true'], again: (id) => call('exec', id, 'true'), kept: true },
  kill: { prepare: running, command: (id) => ['kill', id, 'WINCH'], again: (id) => call('kill', id, 'WINCH'), kept: true },
  state: { prepare: running, command: (id) => ['state', id], again: (id) => call('state', id), kept: true },
  pause: { prepare: running, command: (id) => ['pause', id], again: (id) => fromOrTo('running', 'paused', 'pause', id) ?? call('resume', id), kept: true },
  resume: {
    prepare: running,
    command: (id) => ['resume', id],
    again: (id) => (lab.status(id) === 'paused' ? call('resume', id) : undefined) ?? call('pause', id),
    kept: true,
  },
  update: { prepare: running, command: (id) => ['update', '--resources', resources, id], again: (id) => call('update', '--resources', resources, id), kept: true },
  // What one that was killed has mounted stays below what is mounted then.
  'mounts add': { prepare: running, command: (id) => ['mounts', 'add', id, mounts], again: (id) => call('mounts', 'add', id, mounts) ?? call('mounts', 'remove', id, mounts), kept: true },
  'delete --force': { prepare: running, command: (id) => ['delete', '--force', id], again: (id) => call('delete', '--force', id), kept: false },
};

/** What the command asks of the kernel when all goes well. */
function momentsOf(scene: Scene): Moment[] {
  const file = join(lab.folder, 'calls');
  const id = scene.prepare();
  lab.callWith({ under: ['strace', '-o', file, '-e', 'signal=none'] }, ...scene.command(id));
  lab.call('delete', '--force', id);
  return momentsIn(readFileSync(file, 'utf8')).filter(({ name }) => !ofMemory.has(name));
}

/** Gives what is wrong after each fault. */
async function troublesOf(scene: Scene, faults: readonly string[], look: (answer: Answer, id: string) => string | undefined): Promise<string[]> {
  const troubles: string[] = [];
  let id: string | undefined;
  for (const fault of faults) {
    id ??= scene.prepare();
    const own = id;
    const answer = lab.callWith({ under: ['strace', '-o', '/dev/null', '-e', `inject=${fault}`] }, ...scene.command(own));
    const trouble = look(answer, own);
    // A launcher that was just being started ends when it sees that nobody is there.
    await until(() => lab.traces(own).every((trace) => !trace.startsWith('launcher')), `no launcher, after ${fault}`);
    const left = trouble ?? scene.again(own);
    if (left !== undefined) troubles.push(`${fault}: ${left}`);
    if (scene.kept && left === undefined) continue;
    lab.call('delete', '--force', own);
    await until(() => lab.traces(own).length === 0, `${lab.traces(own).join(', ')} to go, after ${fault}`);
    id = undefined;
  }
  if (id !== undefined) lab.call('delete', '--force', id);
  return troubles;
}

for (const [name, scene] of Object.entries(scenes)) {
  here(`${name} killed at its system calls`, async (t) => {
    const moments = momentsOf(scene);
    t.true(moments.length > 10, `${moments.length} calls`);
    const faults = sample(moments, 20).map((moment) => `${moment.name}:signal=SIGKILL:when=${moment.count}`);
    t.timeout(faults.length * 10_000);
    t.deepEqual(await troublesOf(scene, faults, ({ code, signal }) => (signal === 'SIGKILL' || code === 0 ? undefined : 'it was not killed')), []);
  });

  here(`${name} whose system calls fail`, async (t) => {
    // A close that fails has closed all the same, which one that is made to fail has not.
    const all = momentsOf(scene).filter(({ name: call }) => call !== 'close').flatMap((moment) => errors.map((error) => ({ ...moment, error })));
    const faults = sample(all, 40).map((moment) => `${moment.name}:error=${moment.error}:when=${moment.count}`);
    t.timeout(faults.length * 10_000);
    t.deepEqual(await troublesOf(scene, faults, (answer, id) => wrongOf(name, answer, id)), []);
  });
}

here('create killed at its system calls, in a cgroup that is another container\'s: that one lives on', async (t) => {
  const taken = lab.bundle({ linux: { cgroupsPath: `/tsrun/${lab.newId()}-taken` } });
  const first = lab.newId();
  t.is(call('create', '--bundle', taken, first), undefined);
  const scene: Scene = { prepare: () => lab.newId(), command: (id) => ['create', '--bundle', taken, id], again: (id) => call('delete', '--force', id) ?? (lab.status(first) === 'created' ? undefined : 'the other was ended'), kept: false };
  const faults = momentsOf(scene).map((moment) => `${moment.name}:signal=SIGKILL:when=${moment.count}`);
  t.timeout(faults.length * 10_000);
  t.deepEqual(await troublesOf(scene, faults.slice(-40), () => undefined), []);
  t.is(call('delete', '--force', first), undefined);
});

/** A failure says what failed, and a create that failed has left nothing. */
function wrongOf(name: string, { code, signal, stderr }: Answer, id: string): string | undefined {
  if (signal !== null) return `it died of ${signal}`;
  if (code === 0) return undefined;
  // Of exec every failure is 255, as of runc's; of others that is a crash.
  if ((code === 255 && name !== 'exec') || stderr.trim() === '') return `${String(code)}, '${stderr}'`;
  const left = name === 'create' ? lab.traces(id).filter((trace) => !trace.startsWith('launcher')) : [];
  return left.length === 0 ? undefined : `left: ${left.join(', ')}, after: ${stderr}`;
}
