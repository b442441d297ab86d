// Those lines for a shell that need controllers; a file of its own, since a guest repeats whole files.
import test from 'ava';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { play, scenes } from './shell-examples.js';

const lab = new Lab();
test.after.always(() => {
  lab.removeFolders();
});

for (const [line, { needs: more = [], types }] of Object.entries(scenes).filter(([, scene]) => scene.needs !== undefined)) {
  const python = types === undefined ? [] : (['command:python3'] as const);
  needs('root', 'userns', 'overlay', ...python, ...more)(`example ${line}`, async (t) => play(t, lab, line));
}
