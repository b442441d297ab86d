// An owner that is killed at any moment while it scales new dynos up, and the next one while it goes on with that: who adopts them has each of them once, and all that they have said.
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Formation } from '../../src/index.js';
import { killOwner, spawnOwner, startOwner } from '../support/formation-owner.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { alive, collect, said, SurvivalLab } from '../support/survival-lab.js';
import { until } from '../support/until.js';

const lab = new Lab();
const { errand, nothingOf, sharing } = new SurvivalLab(lab);
const rooted = needs('root');
const rounds = process.env['TSRUN_LONG'] === '1' ? 60 : patience > 1 ? 2 : 6;
const workers = 12;

/** Each life of one is a file in a folder that all share; then it counts, each number once. */
const counter = "mktemp /srv/$DYNO~XXXXXX >/dev/null; trap 'exit 0' TERM; n=0; while :; do n=$((n+1)); echo line $n; sleep 0.05; done";

rooted('killed while new dynos come: all are there once, none has crashed, each line is there once, and nothing is left', async (t) => {
  t.timeout(600_000 * patience);
  const how: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const { folder, container } = sharing();
    const given = await errand({ processTypes: { worker: { command: counter } }, quantities: { worker: 1 }, restart: 'never', container });
    const { owner, pids } = await startOwner({ ...given, then: { scale: { worker: workers } } });
    const afterMs = Math.random() * 150 * patience;
    await delay(afterMs);
    await killOwner(owner);
    const came = readdirSync(folder).length;
    // And so is who would have adopted them, every other time.
    const { stateRoot, imageRoot, image, name } = given;
    const heirMs = round % 2 === 0 ? undefined : (0.2 + Math.random() * 0.5) * 1000 * patience;
    if (heirMs !== undefined) {
      const heir = spawnOwner({ stateRoot, imageRoot, image, name });
      await delay(heirMs);
      await killOwner(heir);
    }
    await using formation = await Formation.adopt(await lab.runtime(), given.name);
    const told = `killed after ${Math.round(afterMs)} ms, when ${came} had come${heirMs === undefined ? '' : `, and again after ${Math.round(heirMs)} ms, when ${readdirSync(folder).length} had`}`;
    how.push(told);
    const { lines } = collect(formation);
    const numbers = () => formation.dynos.map(({ name }) => said(lines, name));
    await until(() => numbers().every((each) => each.length > 5) || formation.dynos.some(({ state }) => state === 'crashed'), 'numbers of all').catch(() => undefined);
    const names = formation.dynos.map(({ name }) => name).sort();
    t.true([1, workers].includes(names.length), `${told}: ${names.join(' ')}`);
    t.deepEqual(formation.dynos.filter(({ state, lastDeath, restarts }) => state !== 'up' || lastDeath !== undefined || restarts !== 0).map(({ name, state, lastDeath }) => [name, state, lastDeath]), [], told);
    t.is(formation.dyno('worker.1')?.container?.pid, pids['worker.1'], told);
    for (const each of numbers()) t.deepEqual(each, each.map((_, index) => `line ${index + 1}`), told);
    t.deepEqual(readdirSync(folder).map((life) => life.replace(/~.*/, '')).sort(), names, told);
    const running = formation.dynos.map(({ container: { pid } = {} }) => pid);
    t.true(new Set(running).size === names.length && running.every(alive), told);
    await formation.stop();
    t.deepEqual(nothingOf(given.name), [], told);
  }
  t.log(how.join('\n'));
});

lab.declareLeakTest();
