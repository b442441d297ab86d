// Dynos that outlive their process and are replaced without a gap, whoever owns them when.
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Formation } from '../../src/index.js';
import { killOwner, startOwner } from '../support/formation-owner.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { alive, collect, said, SurvivalLab } from '../support/survival-lab.js';
import { until } from '../support/until.js';

const lab = new Lab();
const { errand, isPart, nothingOf, placesOf, sharing } = new SurvivalLab(lab);
const rooted = needs('root');

/** The second one and those after it listen when they may. */
const patient = 'if test -e /srv/first; then until test -e /srv/go; do sleep 0.05; done; else touch /srv/first; fi; echo serving; exec httpd -f -p $PORT';

rooted('with preboot one that outlives its process is there twice for a while, and its log is read of both', async (t) => {
  const { folder, container } = sharing();
  const runtime = await lab.runtime();
  const name = lab.newId();
  const first = await Formation.start(runtime, lab.image, { name, survive: true, processTypes: { web: { command: patient, preboot: true } }, quantities: { web: 1 }, container });
  const { lines } = collect(first);
  await until(() => first.dyno('web.1')?.state === 'up', 'the first');
  const old = first.dyno('web.1');
  const restarted = first.restart('web.1');
  await until(() => placesOf(name).length === 2, 'the second');
  t.is(old?.state, 'up');
  writeFileSync(join(folder, 'go'), '');
  await restarted;
  t.is(old?.state, 'down');
  t.deepEqual(placesOf(name), ['web.1-b']);
  await first.restart();
  t.deepEqual(placesOf(name), ['web.1'], 'back at the first place');
  await until(() => said(lines, 'web.1').length === 3, 'its log');
  t.deepEqual(said(lines, 'web.1'), ['serving', 'serving', 'serving']);
  const pid = first.dyno('web.1')?.container?.pid;
  await first.leave();
  const second = await Formation.adopt(runtime, name);
  t.is(second.dyno('web.1')?.container?.pid, pid);
  await second.stop();
  t.deepEqual(nothingOf(name), []);
});

rooted('a new one that does not come up is gone, and the old one stays', async (t) => {
  const { folder, container } = sharing();
  const name = lab.newId();
  const formation = await Formation.start(await lab.runtime(), lab.image, { name, survive: true, restart: 'never', processTypes: { web: { command: 'test -e /srv/broken && exit 3; exec httpd -f -p $PORT' } }, quantities: { web: 1 }, container });
  await until(() => formation.dyno('web.1')?.state === 'up', 'the first');
  writeFileSync(join(folder, 'broken'), '');
  await t.throwsAsync(formation.restart('web.1', { preboot: true }), { code: 'ERR_TSRUN_STATE', message: 'the new web.1 did not come up, it is crashed' });
  t.is(formation.dyno('web.1')?.state, 'up');
  t.deepEqual(placesOf(name), ['web.1']);
  await formation.stop();
  t.deepEqual(nothingOf(name), []);
});

rooted('an owner that is killed while the new one is starting: the next one goes on with the replacement', async (t) => {
  const { folder, container } = sharing();
  const given = await errand({ processTypes: { web: { command: patient } }, quantities: { web: 1 }, container });
  const { owner, pids } = await startOwner({ ...given, preboots: 'web.1' });
  await until(() => isPart(given.name, 'rising') && existsSync(join(lab.stateRoot, 'containers', `${given.name}.web.1-b`)), 'the new one');
  await killOwner(owner);
  const formation = await Formation.adopt(await lab.runtime(), given.name);
  const { lines } = collect(formation);
  t.like(formation.dyno('web.1'), { state: 'up' });
  t.is(formation.dyno('web.1')?.container?.pid, pids['web.1']);
  writeFileSync(join(folder, 'go'), '');
  await until(() => placesOf(given.name).join() === 'web.1-b', 'the replacement');
  t.false(alive(pids['web.1']));
  t.like(formation.dyno('web.1'), { state: 'up' });
  t.deepEqual(said(lines, 'web.1'), ['serving', 'serving']);
  await formation.stop();
  t.deepEqual(nothingOf(given.name), []);
});

rooted('an owner that leaves while the new one is starting is told, and touches neither any more', async (t) => {
  const { folder, container } = sharing();
  const runtime = await lab.runtime();
  const name = lab.newId();
  const first = await Formation.start(runtime, lab.image, { name, survive: true, processTypes: { web: { command: patient } }, quantities: { web: 1 }, container });
  await until(() => first.dyno('web.1')?.state === 'up', 'the first');
  const restarted = first.restart('web.1', { preboot: true });
  await until(() => isPart(name, 'rising'), 'the second');
  const left = t.throwsAsync(restarted, { code: 'ERR_TSRUN_STATE' });
  await first.leave();
  await left;
  t.deepEqual(placesOf(name), ['web.1', 'web.1-b']);
  const second = await Formation.adopt(runtime, name);
  writeFileSync(join(folder, 'go'), '');
  await until(() => placesOf(name).join() === 'web.1-b', 'the replacement');
  t.like(second.dyno('web.1'), { state: 'up' });
  await second.stop();
  t.deepEqual(nothingOf(name), []);
});

rooted('an owner that is killed while the old one is ending: the next one sees to its end', async (t) => {
  const given = await errand({ processTypes: { web: { command: "trap '' TERM; exec httpd -f -p $PORT", graceMs: 3000 } }, quantities: { web: 1 } });
  const { owner, pids } = await startOwner({ ...given, preboots: 'web.1' });
  await until(() => isPart(given.name, 'leaving'), 'the old one to go');
  await killOwner(owner);
  const formation = await Formation.adopt(await lab.runtime(), given.name);
  const { lines } = collect(formation);
  t.like(formation.dyno('web.1'), { state: 'up' });
  t.not(formation.dyno('web.1')?.container?.pid, pids['web.1']);
  await until(() => placesOf(given.name).join() === 'web.1-b', 'its end');
  t.false(alive(pids['web.1']));
  t.true(said(lines, 'web.1', 'heroku').some((message) => message.startsWith('Error R12')));
  await formation.stop();
  t.deepEqual(nothingOf(given.name), []);
});

needs('root', 'command:ab')('no request fails while dynos that outlive their process are replaced, over and over', async (t) => {
  const runtime = await lab.runtime();
  const name = lab.newId();
  const formation = await Formation.start(runtime, lab.image, { name, survive: true, processTypes: { web: { command: 'exec httpd -f -p $PORT -h /etc', preboot: true } }, quantities: { web: 2 } });
  await until(() => formation.dynos.every(({ state }) => state === 'up'), 'both');
  const { host, port } = await formation.listen('web', { port: 0 });
  const over = new AbortController();
  const asked = promisify(execFile)('ab', ['-r', '-s', '60', '-n', '1000', '-c', '8', `http://${host}:${port}/passwd`]).finally(() => {
    over.abort();
  });
  let rounds = 0;
  for (; !over.signal.aborted; rounds++) await formation.restart('web', { rolling: true });
  const { stdout } = await asked;
  t.regex(stdout, /Complete requests: +1000\n/);
  t.regex(stdout, /Failed requests: +0\n/);
  t.notRegex(stdout, /Non-2xx/);
  t.true(rounds > 0);
  await formation.stop();
  t.deepEqual(nothingOf(name), []);
});

lab.declareLeakTest();
