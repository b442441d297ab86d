// Formations whose process is killed in the middle of something: the name is free, or the next owner brings it to its end.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Formation, listFormations, Runtime } from '../../src/index.js';
import { killOwner, startOwner } from '../support/formation-owner.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { alive, collect, said, SurvivalLab } from '../support/survival-lab.js';
import { until } from '../support/until.js';

const lab = new Lab();
const { errand, nothingOf, placesOf } = new SurvivalLab(lab);
const rooted = needs('root');

const job = { processTypes: { job: { command: 'sleep 1000' } }, quantities: { job: 1 } } as const;
const folderOf = (name: string) => join(lab.stateRoot, 'formations', name);

async function starts(name: string): Promise<boolean> {
  await using formation = await Formation.start(await lab.runtime(), lab.image, { ...job, name, survive: true });
  await until(() => formation.dynos.every(({ state }) => state === 'up'), 'its dyno');
  return existsSync(folderOf(name));
}

rooted('a name is not taken by a folder in which nothing stands', async (t) => {
  const name = lab.newId();
  mkdirSync(folderOf(name), { recursive: true });
  t.true(await starts(name));
  t.deepEqual(nothingOf(name), []);
});

rooted('folders that were half made, or half removed, are garbage, unless somebody is at it', async (t) => {
  const runtime = await lab.runtime();
  const held = await Formation.prepare(runtime, lab.image, { ...job, name: lab.newId(), survive: true });
  const [dead, young, locked] = ['.dead', '.young', '.locked'].map(folderOf);
  for (const path of [dead, young]) mkdirSync(path ?? '');
  writeFileSync(join(dead ?? '', 'lock'), '');
  // Its lock is held: as one that is being removed.
  renameSync(folderOf(held.name), locked ?? '');
  const longAgo = new Date(Date.now() - 60_000);
  for (const path of [dead, locked]) utimesSync(path ?? '', longAgo, longAgo);
  await runtime.gc();
  t.deepEqual([dead, young, locked].map((path) => existsSync(path ?? '')), [false, true, true]);
  renameSync(locked ?? '', folderOf(held.name));
  await held.stop();
  utimesSync(young ?? '', longAgo, longAgo);
  await (await Runtime.open({ root: lab.stateRoot })).close();
  t.false(existsSync(young ?? ''));
});

rooted('so is the folder of a container that was half removed, though its launcher lives', async (t) => {
  const runtime = await lab.runtime();
  await lab.run({ command: ['true'] });
  const launcher = readdirSync(join(lab.stateRoot, 'launchers')).find((name) => !name.startsWith('.')) ?? 'none';
  const [doomed, coming] = ['half~', 'half'].map((id) => join(lab.stateRoot, 'containers', `.${launcher}.${id}`));
  for (const path of [doomed, coming]) mkdirSync(path ?? '');
  await runtime.gc();
  t.deepEqual([doomed, coming].map((path) => existsSync(path ?? '')), [false, true]);
  rmdirSync(coming ?? '');
});

rooted('an owner that is killed before it has started anything: there is nothing to take over, and its name is free', async (t) => {
  const [given, other] = [await errand(job), await errand(job)];
  for (const each of [given, other]) {
    const { owner } = await startOwner({ ...each, then: 'nothing-yet' });
    await t.throwsAsync(starts(each.name), { code: 'ERR_TSRUN_EXISTS' }, 'not while it lives');
    await killOwner(owner);
  }
  t.true(listFormations({ root: lab.stateRoot }).some(({ name }) => name === given.name));
  t.true(await starts(given.name));
  const error = await t.throwsAsync(Formation.adopt(await lab.runtime(), other.name), { code: 'ERR_TSRUN_NOT_FOUND' });
  t.regex(error.message, /was given up before anything of it was started/);
  for (const { name } of [given, other]) t.deepEqual(nothingOf(name), []);
});

rooted('one that was left before anything was started is there', async (t) => {
  const runtime = await lab.runtime();
  const name = lab.newId();
  const first = await Formation.prepare(runtime, lab.image, { ...job, name, survive: true });
  await first.leave();
  const second = await Formation.adopt(runtime, name);
  t.deepEqual(second.dynos, []);
  await second.stop();
});

/** One that does not hear, of its type. */
const deaf = { command: "echo version $(cat /version); test $DYNO = job.2 && trap '' TERM; while :; do sleep 0.1; done", graceMs: 2000 };
const isEnding = (name: string, dyno: string) => placesOf(name).includes(dyno) && readFileSync(join(folderOf(name), 'dynos', dyno), 'utf8').includes('"doing":"stopping"');

rooted('an owner that is killed while it stops all: the next one makes an end of it', async (t) => {
  const image = makeImage(lab, { files: { version: 'one' } });
  const given = { ...(await errand({ processTypes: { job: deaf }, quantities: { job: 2 } })), image };
  const { owner, pids } = await startOwner({ ...given, then: 'stop' });
  await until(() => isEnding(given.name, 'job.2') && !alive(pids['job.1']), 'the stop');
  await killOwner(owner);
  t.true(alive(pids['job.2']));
  const error = await t.throwsAsync(Formation.adopt(await lab.runtime(), given.name), { code: 'ERR_TSRUN_NOT_FOUND' });
  t.regex(error.message, /was being stopped when its process was killed/);
  t.deepEqual(nothingOf(given.name), []);
});

rooted('an owner that is killed while it redeploys, between the end of a dyno and the start of the next: all come back as they were', async (t) => {
  const [one, two] = ['one', 'two'].map((version) => makeImage(lab, { files: { version } }));
  const given = { ...(await errand({ processTypes: { job: deaf }, quantities: { job: 3 } })), image: one ?? '' };
  const { owner, pids } = await startOwner({ ...given, then: { redeploy: { image: two ?? '', steadyMs: 0 } } });
  await until(() => isEnding(given.name, 'job.2'), 'the second to end');
  await killOwner(owner);
  const formation = await Formation.adopt(await lab.runtime(), given.name);
  const { lines } = collect(formation);
  const versions = () => ['job.1', 'job.2', 'job.3'].map((name) => said(lines, name).map((line) => line.slice(8)).join(' '));
  await until(() => versions().join() === 'one two one,one one,one', 'all of them').catch(() => undefined);
  t.deepEqual(versions(), ['one two one', 'one one', 'one']);
  t.true(formation.dynos.every(({ state }) => state === 'up'));
  t.is(formation.dyno('job.3')?.container?.pid, pids['job.3'], 'which was not touched');
  await formation.leave();
  const next = await Formation.adopt(await lab.runtime(), given.name);
  t.deepEqual(next.dynos.map(({ restarts, container }) => [restarts, container?.exitStatus]), [[0, undefined], [1, undefined], [0, undefined]], 'and that is the end of it');
  await next.stop();
  t.deepEqual(nothingOf(given.name), []);
});

lab.declareLeakTest();
