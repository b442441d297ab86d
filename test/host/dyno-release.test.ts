// The release phase with real containers: once, first, and nothing else when it fails.
import { Formation, type FormationOptions } from '../../src/index.js';
import { FakeClock } from '../dyno/fake-clock.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { until as waitUntil } from '../support/until.js';

const lab = new Lab();
const rooted = needs('root');
const until = async (condition: () => boolean) => waitUntil(condition, 'a release to become so');

async function prepare(release: string, more: FormationOptions = {}) {
  const processTypes = { release: { command: release, graceMs: 5000 }, worker: { command: 'echo working; exec sleep 1000' } };
  const formation = await Formation.prepare(await lab.runtime(), lab.image, { name: lab.newId(), processTypes, quantities: { worker: 1 }, ...more });
  const lines: string[] = [];
  const read = (async () => {
    for await (const { source, dyno, message } of formation.logs()) lines.push(`${source}[${dyno}]: ${message}`);
  })();
  const stop = async () => {
    await formation.stop();
    await read;
  };
  return { formation, lines, stop };
}

rooted('release runs once, first, with the config; then the dynos start', async (t) => {
  const { formation, lines, stop } = await prepare('echo "$DYNO $STAGE ${PORT-none}"; sleep 0.2; echo migrated >&2', { env: { STAGE: 'test' } });
  t.deepEqual(formation.processTypes, ['worker']);
  await formation.deploy();
  await until(() => lines.includes('app[worker.1]: working'));
  await formation.scale({ worker: 2 });
  await formation.restart();
  await stop();
  t.deepEqual(lines.slice(0, 8), [
    'heroku[release.1]: State changed from provisioning to starting',
    'heroku[release.1]: Starting process with command `echo "$DYNO $STAGE ${PORT-none}"; sleep 0.2; echo migrated >&2`',
    'heroku[release.1]: State changed from starting to up',
    'app[release.1]: release.1 test none',
    'app[release.1]: migrated',
    'heroku[release.1]: Process exited with status 0',
    'heroku[release.1]: State changed from up to complete',
    'heroku[worker.1]: State changed from provisioning to starting',
  ]);
  t.is(lines.filter((line) => line.startsWith('app[release')).length, 2);
});

rooted('a release that fails stops the deploy, and nothing else is started', async (t) => {
  for (const [command, said] of [['echo no; exit 3', 'its program ended with status 3'], ['kill -9 $$', 'its program was ended (signal) with status 137'], ['exec /no/such/program', 'its program ended with status 127']] as const) {
    const { formation, lines, stop } = await prepare(command);
    await t.throwsAsync(formation.deploy(), { code: 'ERR_TSRUN_RELEASE', message: `the release phase failed: ${said}` });
    t.deepEqual(formation.dynos, []);
    await stop();
    t.deepEqual(lines.filter((line) => !line.includes('release.1')), []);
  }
  const processTypes = { release: { command: 'exit 3' }, worker: { command: 'exec sleep 1000' } };
  await t.throwsAsync(Formation.start(await lab.runtime(), lab.image, { name: lab.newId(), processTypes, quantities: { worker: 1 } }), { code: 'ERR_TSRUN_RELEASE' });
});

rooted('a release that takes longer than an hour is stopped and has failed, whatever its exit code', async (t) => {
  const clock = new FakeClock();
  const { formation, lines, stop } = await prepare("trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done", { clock });
  const deployed = t.throwsAsync(formation.deploy(), { code: 'ERR_TSRUN_RELEASE', message: /was ended \(stop\) with status 0$/ });
  await until(() => lines.includes('app[release.1]: ready'));
  clock.advance(3_599_999);
  t.false(lines.includes('heroku[release.1]: Stopping all processes with SIGTERM'));
  clock.advance(1);
  await deployed;
  await stop();
  t.true(lines.includes('heroku[release.1]: Stopping all processes with SIGTERM'));
});

rooted('a stop ends the release too', async (t) => {
  const { formation, lines, stop } = await prepare('echo ready; exec sleep 1000');
  const deployed = t.throwsAsync(formation.deploy(), { code: 'ERR_TSRUN_RELEASE' });
  await until(() => lines.includes('app[release.1]: ready'));
  await stop();
  await deployed;
});

rooted('release can be left out, has no number of dynos, and comes after the check of what is asked for', async (t) => {
  const left = await prepare('echo never', { release: false });
  await left.formation.deploy();
  await left.stop();
  t.false(left.lines.some((line) => line.includes('release')));
  const numbered = await prepare('echo never', { quantities: { release: 1 } });
  await t.throwsAsync(numbered.formation.deploy(), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: 'there is no number of dynos of the type "release"' });
  await t.throwsAsync(numbered.formation.scale({ release: 0 }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  await numbered.stop();
  const unknown = await prepare('echo never', { quantities: { wrker: 1 } });
  await t.throwsAsync(unknown.formation.deploy(), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /no process type "wrker"/ });
  await unknown.stop();
  t.deepEqual(unknown.lines, []);
  await t.throwsAsync(prepare('x', { release: { timeoutMs: 0 } }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /option \/release\/timeoutMs/ });
});

lab.declareLeakTest();
