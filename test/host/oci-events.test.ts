// tsrun-oci events: what a container uses in runc's JSON, again and again, kills for want of memory, and the container's end.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { needs } from '../support/needs.js';
import { ociLab, ociTest, program } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const here = ociTest;
const lab = ociLab();
const limited = needs('root', 'cgroup2:memory', 'cgroup2:pids', `file:/${program.slice(1)}`);

interface Event {
  readonly type: string;
  readonly id: string;
  readonly data?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const eventsIn = (text: string): Event[] => text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Event);

/** The command, while it runs. */
function follow(...words: readonly string[]): { readonly events: () => Event[]; readonly pid: number; readonly ended: Promise<number | null> } {
  let said = '';
  const child = spawn(program, ['--root', lab.root, 'events', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.setEncoding('utf8').on('data', (piece: string) => { said += piece; });
  const ended = new Promise<number | null>((done) => child.on('close', done));
  return { events: () => eventsIn(said.slice(0, said.lastIndexOf('\n') + 1)), pid: child.pid ?? 0, ended };
}

here('--stats tells once what is used', (t) => {
  const id = lab.running({ args: ['sh', '-c', 'while :; do :; done'] });
  const answer = lab.call('events', '--stats', id);
  t.is(answer.code, 0);
  const [event] = eventsIn(answer.stdout);
  t.is(answer.stdout.split('\n').length, 2);
  t.like(event, { type: 'stats', id });
  t.deepEqual(Object.keys(event?.data ?? {}), ['cpu', 'cpuset', 'memory', 'pids', 'blkio', 'hugetlb', 'intel_rdt', 'network_interfaces']);
  const usage = event?.data?.['cpu']?.['usage'] as { readonly total: number; readonly user: number; readonly kernel: number };
  t.true(usage.total > 0 && Number.isInteger(usage.total));
  // Of processes, where the controller that counts threads is not.
  t.is(event?.data?.['pids']?.['current'], 1);
  t.like(event?.data?.['hugetlb'], { '2MB': { usage: 0, failcnt: 0 } });
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('it goes on until the container has ended, and sleeps in between', async (t) => {
  const id = lab.running();
  const following = follow('--interval', '50ms', id);
  await until(() => following.events().length >= 3, 'three prints');
  t.true(following.events().every(({ type, id: of }) => type === 'stats' && of === id));
  const quiet = follow(id);
  await until(() => readFileSync(`/proc/${quiet.pid}/wchan`, 'utf8').includes('poll'), 'it to sleep');
  const before = switches(quiet.pid);
  await new Promise((done) => setTimeout(done, 300));
  t.is(switches(quiet.pid), before);
  t.is(lab.call('kill', id, 'KILL').code, 0);
  t.deepEqual(await Promise.all([following.ended, quiet.ended]), [0, 0]);
  t.deepEqual(quiet.events(), []);
  t.is(lab.call('delete', id).code, 0);
});

/** How often it was woken. */
function switches(pid: number): string | undefined {
  return /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
}

here('also when the container is deleted at once, and of a paused one', async (t) => {
  const id = lab.running();
  const following = follow('--interval', '1m0.5s', id);
  await until(() => readFileSync(`/proc/${following.pid}/wchan`, 'utf8').includes('poll'), 'it to sleep');
  t.is(lab.call('pause', id).code, 0);
  t.is(eventsIn(lab.call('events', '--stats', id).stdout).length, 1);
  t.is(lab.call('delete', '--force', id).code, 0);
  t.is(await following.ended, 0);
  // Not by its next print.
  t.deepEqual(following.events(), []);
});

here('what cannot be followed', async (t) => {
  const id = lab.running();
  for (const [words, says] of [
    [['--interval', '0', id], 'duration interval must be greater than 0\n'],
    [['--interval', 'soon', id], 'invalid value "soon" for flag -interval: parse error\n'],
    [['--interval', '5', id], 'invalid value "5" for flag -interval: parse error\n'],
    [['nosuch'], 'container does not exist\n'],
  ] as const) {
    const answer = lab.call('events', ...words);
    t.deepEqual([answer.code, answer.stderr], [1, says]);
  }
  t.is(lab.call('kill', id, 'KILL').code, 0);
  await until(() => lab.status(id) === 'stopped', 'its end');
  t.is(lab.call('events', id).stderr, `container with id ${id} is not running\n`);
  t.is(lab.call('delete', id).code, 0);
});

limited('a kill for want of memory is told at once, each of them', async (t) => {
  const id = lab.running({ args: ['sh', '-c', 'while :; do sleep 1000; done'], linux: { resources: { memory: { limit: 16_777_216, swap: 16_777_216 }, pids: { limit: 9 } } } });
  const following = follow('--interval', '1h', id);
  await until(() => readFileSync(`/proc/${following.pid}/wchan`, 'utf8').includes('poll'), 'it to sleep');
  for (let kills = 1; kills <= 2; kills++) {
    t.is(lab.call('exec', id, 'sh', '-c', 'tail /dev/zero').code, 137);
    await until(() => following.events().length === kills, `kill ${kills}`);
  }
  t.deepEqual(following.events(), [{ type: 'oom', id }, { type: 'oom', id }]);
  const [event] = eventsIn(lab.call('events', '--stats', id).stdout);
  t.like(event?.data, { pids: { limit: 9 } });
  t.like(event?.data?.['memory'], { usage: { limit: 16_777_216 }, swap: { limit: 16_777_216 } });
  t.is(lab.call('delete', '--force', id).code, 0);
  t.is(await following.ended, 0);
});

limited('no limit is the number that Go reads as none', (t) => {
  const id = lab.running();
  t.regex(lab.call('events', '--stats', id).stdout, /"memory":\{"cache":\d+,"usage":\{"limit":18446744073709551615,"usage":\d+/);
  t.is(lab.call('delete', '--force', id).code, 0);
});
