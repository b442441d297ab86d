// Formations that outlive their process: SIGKILL of the owner with dynos up, and what the next one finds.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Formation, type DynoEvent, type LogLine } from '../../src/index.js';
import { FakeClock } from '../dyno/fake-clock.js';
import { killOwner, startOwner } from '../support/formation-owner.js';
import { Lab } from '../support/lab.js';
import { saveImages } from '../support/saved-images.js';
import { needs } from '../support/needs.js';
import { alive, collect, said, SurvivalLab } from '../support/survival-lab.js';
import { until } from '../support/until.js';

const lab = new Lab();
const { errand, nothingOf, sharing } = new SurvivalLab(lab);
const rooted = needs('root');

/** 50 where there is time, as the issue has it. */
const workers = process.env['TSRUN_LONG'] === '1' ? 48 : 3;

/** Counts without end, quickly; each number once. */
const counter = "trap 'exit 0' TERM; n=0; while :; do n=$((n+1)); echo line $n; sleep 0.01; done";

function isCount(lines: readonly string[]): boolean {
  const first = Number(lines[0]?.slice(5));
  return lines.every((line, index) => line === `line ${first + index}`);
}

rooted('B9: the owner is killed with its dynos up: the next one has the same pids, and the whole log, each line once', async (t) => {
  const given = await errand({
    processTypes: { web: { command: 'echo serving; exec httpd -f -p $PORT' }, count: { command: counter }, worker: { command: 'echo at work; exec sleep 1000' } },
    quantities: { web: 1, count: 1, worker: workers },
  });
  const { owner, pids } = await startOwner(given);
  t.is(Object.keys(pids).length, workers + 2);
  await killOwner(owner);
  for (const pid of Object.values(pids)) t.true(alive(pid));
  const formation = await Formation.adopt(await lab.runtime(), given.name);
  t.deepEqual(Object.fromEntries(formation.dynos.map((dyno) => [dyno.name, dyno.container?.pid])), pids);
  t.deepEqual([...new Set(formation.dynos.map(({ state }) => state))], ['up']);
  const { lines } = collect(formation);
  await until(() => said(lines, 'count.1').length > 100, 'numbers');
  const numbers = said(lines, 'count.1');
  t.is(numbers[0], 'line 1');
  t.true(isCount(numbers), numbers.join(' '));
  const names = formation.dynos.filter(({ type }) => type === 'worker').map(({ name }) => name);
  // On a busy machine one may not have come to it yet.
  await until(() => names.every((name) => said(lines, name).length > 0), 'a line of each');
  for (const name of names) t.deepEqual(said(lines, name), ['at work']);
  t.deepEqual(said(lines, 'web.1', 'heroku'), ['State changed from provisioning to starting', 'Starting process with command `echo serving; exec httpd -f -p $PORT`', 'State changed from starting to up']);
  (await formation.dyno('web.1')?.container?.connect(5000))?.destroy();
  await formation.stop();
  t.is(said(lines, 'web.1', 'heroku').at(-1), 'State changed from up to down');
  t.deepEqual(nothingOf(given.name), []);
});

rooted('the next owner knows which start of a dyno it has, and puts together what was cut in docker\'s form before and after', async (t) => {
  const half = "head -c 16390 /dev/zero | tr '\\0' x";
  const given = await errand({
    processTypes: { worker: { command: `echo "I am $HEROKU_DYNO_ID"; ${half}; trap '${half}; echo' USR1; echo ready >&2; while :; do sleep 0.05; done` } },
    quantities: { worker: 1 }, logLines: 'docker', metadata: true,
  });
  const { owner, pids } = await startOwner(given);
  await killOwner(owner);
  process.kill(pids['worker.1'] ?? 0, 'SIGUSR1');
  const formation = await Formation.adopt(await lab.runtime(), given.name);
  const { lines } = collect(formation);
  await until(() => lines.some(({ partial }) => partial?.last === true), 'the end of the line');
  const parts = lines.flatMap(({ message, stream, partial }) => (partial === undefined ? [] : [{ bytes: message.length, stream, ...partial }]));
  t.deepEqual(parts.map(({ bytes, stream, ordinal, last }) => [bytes, stream, ordinal, last]), [[16_384, 'stdout', 1, false], [16_384, 'stdout', 2, false], [12, 'stdout', 3, true]]);
  t.is(new Set(parts.map(({ id }) => id)).size, 1);
  t.true(said(lines, 'worker.1').includes(`I am ${formation.dyno('worker.1')?.instance}`));
  await formation.stop();
});

rooted('killed again and again: each owner goes on with the log where the one before it was', async (t) => {
  const given = await errand({ processTypes: { count: { command: counter } }, quantities: { count: 1 } });
  const { stateRoot, imageRoot, image, name } = given;
  const again = { stateRoot, imageRoot, image, name };
  for (const each of [given, again, again]) await killOwner((await startOwner(each)).owner);
  const formation = await Formation.adopt(await lab.runtime(), given.name);
  const { lines } = collect(formation);
  await until(() => said(lines, 'count.1').length > 50, 'numbers');
  const numbers = said(lines, 'count.1');
  t.is(numbers[0], 'line 1');
  t.true(isCount(numbers), numbers.join(' '));
  await formation.stop();
});

rooted('a dyno that ends while nobody owns it: its real status, what it said last, and what its policy has for it', async (t) => {
  const given = await errand({
    processTypes: {
      job: { command: "echo first; trap 'echo last; exit 7' USR1; while :; do sleep 0.05; done", restart: 'docker' },
      killed: { command: 'exec sleep 1000', restart: 'never' },
    },
    quantities: { job: 1, killed: 1 },
  });
  const { owner, pids } = await startOwner(given);
  await killOwner(owner);
  const runtime = await lab.runtime();
  await (await runtime.find(`${given.name}.job.1`)).stop({ signal: 'SIGUSR1', delivery: 'main' });
  await (await runtime.find(`${given.name}.killed.1`)).killAll();
  await until(() => Object.values(pids).every((pid) => !alive(pid)), 'the ends');
  const formation = await Formation.adopt(runtime, given.name);
  const { lines } = collect(formation);
  await until(() => formation.dyno('job.1')?.state === 'up' && formation.dyno('job.1')?.lastDeath !== undefined && formation.dyno('killed.1')?.state === 'crashed', 'the restart');
  t.like(formation.dyno('job.1')?.lastDeath, { cause: 'exit', code: 7 });
  t.true((formation.dyno('job.1')?.lastDeath?.status?.durationMs ?? 0) > 0);
  t.is(formation.dyno('job.1')?.crashes, 1);
  t.like(formation.dyno('killed.1')?.lastDeath, { cause: 'signal', code: 137 });
  await until(() => said(lines, 'job.1').length === 3, 'the second life');
  t.deepEqual(said(lines, 'job.1'), ['first', 'last', 'first']);
  const platform = said(lines, 'job.1', 'heroku');
  t.deepEqual(platform.slice(3, 5), ['Process exited with status 7', 'State changed from up to crashed']);
  await formation.stop();
  t.deepEqual(nothingOf(given.name), []);
});

rooted('who was away is told what has become of dynos meanwhile, by the number of the event that he knows', async (t) => {
  const given = await errand({ processTypes: { job: { command: 'sleep 0.5; exit 7', restart: 'never' } }, quantities: { job: 1 } });
  const runtime = await lab.runtime();
  const first = await Formation.start(runtime, lab.image, { ...given.options, name: given.name, survive: true });
  const known: DynoEvent[] = [];
  for await (const event of first.events({ after: 0 })) {
    known.push(event);
    if (event.type === 'state' && event.to === 'up') break;
  }
  t.deepEqual(known.map(({ sequence }) => sequence), known.map((_, index) => index + 1));
  await first.leave();
  await until(() => runtime.inspect(`${given.name}.job.1`).state === 'stopped', 'its end');
  const second = await Formation.adopt(runtime, given.name);
  const told: DynoEvent[] = [];
  for await (const event of second.events({ after: known.length })) {
    told.push(event);
    if (event.type === 'state' && event.to === 'crashed') break;
  }
  t.deepEqual(told.map(({ sequence }) => sequence), told.map((_, index) => known.length + index + 1));
  t.like(told[0], { type: 'ended', dyno: 'job.1', death: { cause: 'exit', code: 7 } });
  await second.stop();
});

rooted('what was crashed waits as long as it would have, and a restart that was due meanwhile is done at once', async (t) => {
  const given = await errand({ processTypes: { job: { command: 'exit 3' } }, quantities: { job: 1 } });
  const clock = new FakeClock();
  const runtime = await lab.runtime();
  const first = await Formation.start(runtime, lab.image, { ...given.options, name: given.name, survive: true, clock });
  await until(() => {
    clock.advance(0);
    return first.dyno('job.1')?.crashes === 2;
  }, 'two crashes');
  const dueMs = first.dyno('job.1')?.nextRestartAtMs ?? 0;
  t.is(dueMs, clock.now() + 600_000);
  await first.leave();
  t.is(clock.pending, 0);
  clock.advance(300_000);
  const second = await Formation.adopt(runtime, given.name, { clock });
  t.like(second.dyno('job.1'), { state: 'crashed', crashes: 2, nextRestartAtMs: dueMs });
  t.like(second.dyno('job.1')?.lastDeath, { cause: 'exit', code: 3 });
  await second.leave();
  clock.advance(600_000);
  const third = await Formation.adopt(runtime, given.name, { clock });
  clock.advance(0);
  await until(() => third.dyno('job.1')?.crashes === 3, 'the third crash');
  await third.stop();
  t.deepEqual(nothingOf(given.name), []);
});

rooted('one process at a time; what is stopped or unknown cannot be adopted, a name cannot be taken twice', async (t) => {
  const given = await errand({ processTypes: { job: { command: 'sleep 1000' } }, quantities: { job: 1 } });
  const { owner } = await startOwner(given);
  const runtime = await lab.runtime();
  const busy = await t.throwsAsync(Formation.adopt(runtime, given.name), { code: 'ERR_TSRUN_STATE' });
  t.regex(busy.message, /belongs to another process/);
  await t.throwsAsync(Formation.start(runtime, lab.image, { ...given.options, name: given.name, survive: true }), { code: 'ERR_TSRUN_EXISTS' });
  await killOwner(owner);
  await t.throwsAsync(Formation.start(runtime, lab.image, { ...given.options, name: given.name, survive: true }), { code: 'ERR_TSRUN_EXISTS' });
  const formation = await Formation.adopt(runtime, given.name);
  await t.throwsAsync(Formation.adopt(runtime, given.name), { code: 'ERR_TSRUN_STATE' });
  await formation.stop();
  await t.throwsAsync(Formation.adopt(runtime, given.name), { code: 'ERR_TSRUN_NOT_FOUND' });
  await t.throwsAsync(formation.leave(), { code: 'ERR_TSRUN_STATE' });
});

rooted('what is scaled while it is owned is so for the next one, and options that are no data are refused', async (t) => {
  const given = await errand({ processTypes: { job: { command: 'sleep 1000' } }, quantities: { job: 1 } });
  const runtime = await lab.runtime();
  await t.throwsAsync(Formation.start(runtime, lab.image, { ...given.options, name: given.name, survive: true, container: { ulimits: { nofile: { soft: 10n, hard: 10n } } } as never }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  const first = await Formation.start(runtime, lab.image, { ...given.options, name: given.name, survive: true });
  await first.scale({ job: 3 });
  await until(() => first.dynos.every(({ state }) => state === 'up'), 'three dynos');
  await first.scale({ job: 2 });
  await first.leave();
  await t.throwsAsync(first.scale({ job: 1 }), { code: 'ERR_TSRUN_STATE' });
  const second = await Formation.adopt(runtime, given.name);
  t.deepEqual(second.dynos.map(({ name, state }) => `${name} ${state}`), ['job.1 up', 'job.2 up']);
  await second.restart('job.1');
  await until(() => second.dyno('job.1')?.state === 'up', 'the restart');
  await second.stop();
  t.deepEqual(nothingOf(given.name), []);
});

rooted('what prints faster than it is read loses nothing, and is read by the next owner to its end', async (t) => {
  const given = await errand({ processTypes: { job: { command: 'seq 1 300000; exec sleep 1000' } }, quantities: { job: 1 } });
  const formation = await Formation.start(await lab.runtime(), lab.image, { ...given.options, name: given.name, survive: true });
  const [seen, gaps]: [number[], string[]] = [[0], []];
  for await (const { source, message } of formation.logs()) {
    if (source !== 'app') continue;
    if (Number(message) !== (seen[0] ?? 0) + 1) gaps.push(message);
    seen[0] = Number(message);
    if (message === '300000') break;
  }
  t.deepEqual([seen[0], gaps], [300_000, []]);
  await formation.leave();
  const again = await Formation.adopt(await lab.runtime(), given.name);
  const { lines } = collect(again);
  await until(() => said(lines, 'job.1').at(-1) === '300000', 'the whole past');
  t.true(said(lines, 'job.1').length <= 1500);
  await again.stop();
});

rooted('what was printed while nobody owned it, beyond what is kept, is counted in its place: read + dropped = produced', async (t) => {
  const produced = 300_000;
  const { folder, container } = sharing();
  const given = await errand({ processTypes: { job: { command: `until test -e /srv/go; do sleep 0.05; done; seq ${produced}; touch /srv/done; exec sleep 1000` } }, quantities: { job: 1 }, container });
  const { owner } = await startOwner(given);
  await killOwner(owner);
  writeFileSync(join(folder, 'go'), '');
  await until(() => existsSync(join(folder, 'done')), 'it to print');
  const runtime = await lab.runtime();
  const formation = await Formation.adopt(runtime, given.name);
  const { lines } = collect(formation);
  await until(() => said(lines, 'job.1').at(-1) === String(produced), 'the last line');
  const isDrop = ({ message }: LogLine) => message.includes('dropped since');
  const drops = lines.filter(isDrop);
  t.deepEqual(drops.map(({ source, dyno }) => `${source}[${dyno}]`), ['heroku[job.1]']);
  const dropped = Number(/^Error L12: (\d+) messages dropped since \d{4}-/.exec(drops[0]?.message ?? '')?.[1]);
  t.true(dropped > 100_000, `${dropped}`);
  t.is(said(lines, 'job.1').length + dropped, produced);
  const [tail, ...numbers] = said(lines, 'job.1');
  t.true(numbers.every((message, index) => Number(message) === produced - numbers.length + 1 + index), `the rest of one line (${tail ?? ''}), and then all`);
  await formation.leave();
  const again = await Formation.adopt(runtime, given.name);
  const next = collect(again);
  await until(() => next.lines.length > 0, 'the past');
  t.false(next.lines.some(isDrop), 'it is told once');
  await again.stop();
});

rooted('an image that is not a folder: the next owner has it by its digest, whatever its name means by then', async (t) => {
  const runtime = await lab.runtime();
  const saved = (text: string) => saveImages(join(lab.scratch, `${text}.tar`), { names: ['app:latest'], layers: [lab.image], config: { Cmd: ['sh', '-c', `echo ${text}; exit 1`] } });
  const clock = new FakeClock();
  const name = lab.newId();
  const first = await Formation.start(runtime, saved('one'), { name, survive: true, clock, quantities: { web: 1 } });
  await until(() => first.dyno('web.1')?.crashes === 1, 'the crash');
  await first.leave();
  await runtime.images.resolve(saved('two')).done;
  const second = await Formation.adopt(runtime, name, { clock });
  const { lines } = collect(second);
  clock.advance(0);
  await until(() => second.dyno('web.1')?.crashes === 2, 'the second crash');
  await until(() => said(lines, 'web.1').length === 2, 'its log');
  t.deepEqual(said(lines, 'web.1'), ['one', 'one']);
  await second.stop();
  t.deepEqual(nothingOf(name), []);
});

rooted('dynos whose launcher was killed are lost, which is told, and start again', async (t) => {
  const given = await errand({ processTypes: { job: { command: 'sleep 1000', restart: 'docker' } }, quantities: { job: 2 } });
  const { owner, pids } = await startOwner(given);
  await killOwner(owner);
  const runtime = await lab.runtime();
  process.kill(parentOf(pids['job.1'] ?? 0), 'SIGKILL');
  await until(() => Object.values(pids).every((pid) => !alive(pid)), 'their ends');
  const formation = await Formation.adopt(runtime, given.name);
  await until(() => formation.dynos.every(({ state, crashes }) => state === 'up' && crashes === 1), 'the restarts');
  for (const { lastDeath } of formation.dynos) t.is(lastDeath?.cause, 'lost');
  process.kill(parentOf(formation.dyno('job.1')?.container?.pid ?? 0), 'SIGKILL');
  await until(() => formation.dynos.every(({ state, crashes }) => state === 'up' && crashes === 2), 'the restarts of those that were owned');
  await formation.stop();
  t.deepEqual(nothingOf(given.name), []);
});

function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

lab.declareLeakTest();
