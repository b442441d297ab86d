// Every line for a shell that the README, docs/cli.md and the help show: typed, and looked at.
import test from 'ava';
import { FewAtOnce } from '../support/few-at-once.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { play, scenes, shellExamples } from './shell-examples.js';

const lab = new Lab();
/** All at once, each would wait for the processors as long as it may take. */
const turns = new FewAtOnce(4);
test.after.always(() => {
  lab.removeFolders();
});

test('every example has a scene, and every scene is of an example', (t) => {
  t.deepEqual(Object.keys(scenes).sort(), shellExamples().sort());
});

for (const [line, { needs: more = [], types }] of Object.entries(scenes).filter(([, scene]) => scene.needs === undefined)) {
  const python = types === undefined ? [] : (['command:python3'] as const);
  needs('root', 'userns', 'overlay', ...python, ...more)(`example ${line}`, async (t) => turns.turn(async () => play(t, lab, line)));
}
