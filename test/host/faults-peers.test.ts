// What is left of a create that was killed at its system calls and then deleted by force: tsrun-oci leaves nothing; what runc and crun leave
// is shown beside it. The short form takes a sample of the calls, TSRUN_LONG=1 takes all.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { momentsIn, sample, type Moment } from '../support/faults.js';
import { patience } from '../support/lab.js';
import { needs, type Need } from '../support/needs.js';
import { ociLab, program } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const lab = ociLab();
const parent = `tsrun-faults-${process.pid}`;
const cgroup = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].filter((root) => existsSync(join(root, 'cgroup.procs'))).map((root) => join(root, parent))[0] ?? '';
/** strace waits for all that it traces, and so for a container that waits to be started. */
const mostWaitMs = 5000 * patience;
/** crun and runc are shown cgroup v2 alone. */
const alone = 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"';

class Peer {
  readonly #runtime: string;
  readonly state: string;

  constructor(runtime: string) {
    this.#runtime = runtime;
    this.state = join(lab.folder, `peer-${lab.newId()}`);
    mkdirSync(this.state);
  }

  call(under: readonly string[], ...words: readonly string[]): void {
    spawnSync('unshare', ['--mount', 'sh', '-c', alone, 'sh', ...under, this.#runtime, '--root', this.state, ...words], { stdio: 'ignore', cwd: '/', timeout: mostWaitMs, killSignal: 'SIGKILL' });
  }

  create(id: string, ...under: readonly string[]): void {
    this.call(under, 'create', '--bundle', lab.bundle({ linux: { cgroupsPath: `/${parent}/${id}` }, more: { ociVersion: '1.0.2' } }), id);
  }

  /** Each thread and process has its own count; runc has many. */
  moments(): Moment[] {
    const calls = join(lab.folder, 'calls');
    mkdirSync(calls);
    const id = lab.newId();
    this.create(id, 'strace', '-ff', '-e', 'signal=none', '-o', join(calls, 'of'));
    this.call([], 'delete', '--force', id);
    const all = readdirSync(calls).flatMap((name) => momentsIn(readFileSync(join(calls, name), 'utf8')));
    rmSync(calls, { recursive: true });
    return [...new Map(all.map((moment) => [`${moment.name} ${moment.count}`, moment])).values()];
  }

  /** What `delete --force` did not take away; it goes now. */
  left(id: string): string[] {
    const path = join(cgroup, id);
    const left = [...(existsSync(path) ? ['a cgroup'] : []), ...(isPopulated(path) ? ['processes'] : []), ...readdirSync(this.state).filter((name) => name.includes(id)).map(() => 'a state folder')];
    if (existsSync(path)) writeFileSync(join(path, 'cgroup.kill'), '1');
    return left;
  }
}

function isPopulated(path: string): boolean {
  return existsSync(path) && readFileSync(join(path, 'cgroup.events'), 'utf8').includes('populated 1');
}

async function leftOf(runtime: string): Promise<readonly [tries: number, left: readonly string[]]> {
  const peer = new Peer(runtime);
  const moments = sample(peer.moments(), 6);
  const left: string[] = [];
  for (const { name, count } of moments) {
    const id = lab.newId();
    peer.create(id, 'strace', '-f', '-o', '/dev/null', '-e', `inject=${name}:signal=SIGKILL:when=${count}`);
    peer.call([], 'delete', '--force', id);
    const found = peer.left(id);
    if (found.length > 0) left.push(`${name} ${count}: ${found.join(', ')}`);
    await until(() => !isPopulated(join(cgroup, id)), `${id} to end`);
    if (existsSync(join(cgroup, id))) rmdirSync(join(cgroup, id));
  }
  return [moments.length, left];
}

function compared(name: string, runtime: string, needed: readonly Need[], look: (t: ExecutionContext, left: readonly string[]) => void): void {
  needs('root', 'cgroup2', 'command:strace', ...needed)(`create of ${name}, killed at its system calls and deleted by force`, async (t) => {
    t.timeout(1_200_000);
    const [tries, left] = await leftOf(runtime);
    t.log(`something is left after ${left.length} of ${tries} kills`);
    look(t, left);
    if (existsSync(cgroup)) rmdirSync(cgroup);
  });
}

compared('tsrun-oci', program, [], (t, left) => { t.deepEqual(left, []); });
for (const peer of ['crun', 'runc'] as const) compared(peer, peer, [`command:${peer}`], (t) => { t.pass(); });
