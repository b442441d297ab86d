// Sizes of dynos with real memory: R14, R15, who dies of what; and that a host that cannot hold a size says so.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Formation, type DynoSize, type FormationOptions } from '../../src/index.js';
import { FakeClock } from '../dyno/fake-clock.js';
import { watchWorker, type WatchedFormation } from '../support/dyno-lab.js';
import { declareSwap, swapNeeds } from '../support/guest-swap.js';
import { Lab } from '../support/lab.js';
import { inLongForm, missing, needs } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new Lab();
declareSwap(lab);
/** A guest, which alone can hold them, swaps for minutes: they are of the long form. */
const memory = inLongForm(...swapNeeds);
const mebibyte = 2 ** 20;
const small: DynoSize = { memoryBytes: 32 * mebibyte };

/** tail keeps what may be its last bytes, as long as more may come. */
const hold = (mebibytes: number) => `(head -c ${mebibytes * mebibyte} /dev/zero; echo held >&2; exec sleep 1000) | tail -c ${mebibytes * mebibyte} > /dev/null`;

async function start(command: string, clock: FakeClock, options: FormationOptions = {}): Promise<WatchedFormation> {
  return watchWorker(lab, command, { clock, size: small, ...options });
}

async function held({ formation, lines }: WatchedFormation): Promise<void> {
  await until(() => lines.includes('app[worker.1]: held') || formation.dyno('worker.1')?.state === 'crashed', 'the dyno to have its memory');
  if (!lines.includes('app[worker.1]: held')) throw new Error(`it did not come so far: ${lines.join('\n')}`);
}

/** Samples until this many of such events were told. */
async function sample({ events }: WatchedFormation, clock: FakeClock, count: number, type: 'sample' | 'quota' = 'sample'): Promise<void> {
  await until(() => {
    if (events.filter((event) => event.type === type).length >= count) return true;
    clock.advance(20_000);
    return false;
  }, `${count} events of the kind ${type}`);
}

/** Without what became of it in the end. */
const platform = ({ lines }: WatchedFormation) => lines.filter((line) => line.startsWith('heroku') && !line.endsWith('to down')).map((line) => line.replace('heroku[worker.1]: ', ''));
const quotas = (watched: WatchedFormation) => watched.events.flatMap((event) => (event.type === 'quota' ? [event.code] : []));

memory('B3: above its quota a dyno is told of at each sample (R14), and lives', async (t) => {
  const clock = new FakeClock();
  const watched = await start(hold(40), clock);
  await held(watched);
  await sample(watched, clock, 2, 'quota');
  t.is(watched.formation.dyno('worker.1')?.state, 'up');
  const { memory: use, quotaBytes } = watched.formation.dyno('worker.1')?.sample ?? {};
  t.true((use?.rssBytes ?? 0) > 40 * mebibyte && quotaBytes === 32 * mebibyte, JSON.stringify(use));
  await watched.stop();
  t.true(quotas(watched).every((code) => code === 'R14'));
  const said = platform(watched);
  const at = said.indexOf('Error R14 (Memory quota exceeded)');
  t.regex(said[at - 1] ?? '', /^Process running mem=4\dM\(1[2-4]\d\.\d%\)$/);
  t.is(said.lastIndexOf('Error R14 (Memory quota exceeded)') > at, true);
});

memory('B3: far above it, with what is swapped out, it is killed (R15)', async (t) => {
  const clock = new FakeClock();
  const watched = await start(hold(68), clock);
  await held(watched);
  // The kernel's counters may be late: a sample that sees less than there is tells of R14.
  await until(() => {
    if (quotas(watched).includes('R15')) return true;
    clock.advance(20_000);
    return false;
  }, 'a sample that sees all of it');
  await until(() => watched.formation.dyno('worker.1')?.state === 'crashed', 'the dyno to crash');
  await watched.stop();
  const said = platform(watched);
  t.regex(said.at(-5) ?? '', /^Process running mem=(?:6[89]|7\d)M\(2[12]\d\.\d%\)$/);
  t.deepEqual(said.slice(-4), ['Error R15 (Memory quota vastly exceeded)', 'Stopping process with SIGKILL', 'Process exited with status 137', 'State changed from up to crashed']);
  t.like(watched.formation.dyno('worker.1')?.lastDeath, { cause: 'quota', code: 137 });
});

memory('B3: who takes it faster than a sample comes is ended by the kernel, all of it', async (t) => {
  const watched = await start(`sleep 1000 & ${hold(120)}`, new FakeClock());
  await until(() => watched.formation.dyno('worker.1')?.state === 'crashed', 'the dyno to crash');
  await watched.stop();
  const said = platform(watched);
  t.deepEqual(said.slice(-4), ['Process running mem=64M(200.0%)', 'Error R15 (Memory quota vastly exceeded)', 'Process exited with status 137', 'State changed from up to crashed']);
  t.like(watched.formation.dyno('worker.1')?.lastDeath, { cause: 'oom', victim: 'dyno', code: 137 });
  t.true(watched.events.some(({ type }) => type === 'oom'));
});

memory('B3: a child dies of want of memory while the program lives on, where a size says so', async (t) => {
  const watched = await start(`hog memory ${120 * mebibyte}; echo child $?; exec sleep 1000`, new FakeClock(), { size: { ...small, oomGroup: false } });
  await until(() => watched.lines.includes('app[worker.1]: child 137') && watched.events.some(({ type }) => type === 'oom'), 'the child to die');
  t.is(watched.formation.dyno('worker.1')?.state, 'up');
  t.true(watched.events.some((event) => event.type === 'oom' && event.kills === 1 && event.dyno === 'worker.1'));
  await watched.stop();
  t.like(watched.formation.dyno('worker.1')?.lastDeath, { cause: 'stop', oomKills: 1 });
});

memory('B3: page cache alone is over the quota, and kills nobody', async (t) => {
  // Who is not root in a dyno may look into it.
  const source = join(lab.scratch, 'data');
  mkdirSync(source, { mode: 0o755 });
  const file = join(source, 'large');
  writeFileSync(file, Buffer.alloc(100 * mebibyte));
  // What is in the cache already is on the account of who was first, and what is not yet written stays there.
  t.is(spawnSync('sync', [file]).status, 0);
  writeFileSync('/proc/sys/vm/drop_caches', '1');
  const clock = new FakeClock();
  const container = { mounts: [{ type: 'bind' as const, source, destination: '/data', readonly: true }] };
  const watched = await start('cat /data/large > /dev/null && echo held; exec sleep 1000', clock, { container });
  await held(watched);
  await sample(watched, clock, 3);
  t.is(watched.formation.dyno('worker.1')?.state, 'up');
  await watched.stop();
  t.true(quotas(watched).length > 0 && quotas(watched).every((code) => code === 'R14'), JSON.stringify(watched.events));
});

inLongForm('root', 'cgroup2:memory', 'cgroup2:pids', 'cgroup2:cpu')('B4: processes and threads end at the size, which ulimit -u and -n tell', async (t) => {
  const watched = await watchWorker(lab, 'ulimit -u; ulimit -n; hog forks 400; exec sleep 1000', { size: 'standard-1x' });
  await until(() => watched.lines.some((line) => line.startsWith('app[worker.1]: forks')), 'the forks');
  const said = watched.lines.filter((line) => line.startsWith('app')).map((line) => line.replace('app[worker.1]: ', ''));
  t.deepEqual(said.slice(0, 2), ['256', '10000']);
  t.regex(said[2] ?? '', /^forks 25\d EAGAIN$/);
  await watched.stop();
});

inLongForm('root', 'cgroup2:memory', 'cgroup2:pids', 'cgroup2:cpu')('B4: a bomb of threads ends at the size as well, and the host goes on', async (t) => {
  const watched = await watchWorker(lab, 'ulimit -u; exec hog threads 400', { size: 'eco' });
  await until(() => watched.lines.some((line) => line.startsWith('app[worker.1]: threads')), 'the threads');
  const said = watched.lines.filter((line) => line.startsWith('app')).map((line) => line.replace('app[worker.1]: ', ''));
  t.is(said[0], '256');
  t.regex(said[1] ?? '', /^threads 25\d EAGAIN$/);
  t.is(spawnSync('true').status, 0, 'while it holds them');
  t.is(watched.formation.dyno('worker.1')?.state, 'up');
  await watched.stop();
  t.like(watched.formation.dyno('worker.1')?.lastDeath, { cause: 'stop' });
});

const isWithout = missing('cgroup2:memory').length > 0;
(isWithout ? needs('root', 'cgroup2') : needs('lane:bare', 'cgroup:hybrid'))('a host that cannot hold a size refuses it before anything is started', async (t) => {
  const refused = Formation.start(await lab.runtime(), lab.image, { name: lab.newId(), processTypes: { worker: { command: 'true', size: 'standard-1x' } }, quantities: { worker: 1 } });
  await t.throwsAsync(refused, { code: 'ERR_TSRUN_LIMIT_UNAVAILABLE', message: /memory.*'memory', which is on cgroup v1/ });
});

needs('root', 'cgroup2')('samples in the log, loads of who works, and metrics', async (t) => {
  const clock = new FakeClock();
  const watched = await watchWorker(lab, 'while :; do :; done', { clock, metrics: true });
  await until(() => watched.formation.dyno('worker.1')?.state === 'up', 'the dyno to be up');
  await delay(50);
  await sample(watched, clock, 1);
  const said = platform(watched);
  t.regex(said.find((line) => line.startsWith('source=')) ?? '', /^source=worker\.1 dyno=heroku\.\S+ sample#load_avg_1m=(?:0\.[2-9]|[1-9])\d* sample#load_avg_5m=\d\.\d\d sample#load_avg_15m=\d\.\d\d$/);
  const text = await watched.formation.metrics();
  t.regex(text, /^tsrun_dyno_up\{app="[^"]+",type="worker",dyno="worker\.1"\} 1$/m);
  t.regex(text, /^tsrun_dyno_cpu_seconds_total\{[^}]+,mode="user"\} \d+(?:\.\d+)?$/m);
  t.regex(text, /^tsrun_dyno_load\{[^}]+,minutes="1"\} (?:0\.[2-9]|[1-9])/m);
  t.true(text.endsWith('\n# EOF\n'));
  await watched.stop();
});

lab.declareLeakTest();
