// Those lines for a shell that need controllers; a file of its own, since a guest repeats whole files.
import test from 'ava';
import { Lab } from '../support/lab.js';
import { inLongForm } from '../support/needs.js';
import { play, scenes } from './shell-examples.js';

const lab = new Lab();
test.after.always(() => {
  lab.removeFolders();
});

const limited = Object.entries(scenes).filter(([, scene]) => scene.needs !== undefined);

test('some lines for a shell need controllers', (t) => {
  t.true(limited.length > 0);
});

for (const [line, { needs: more = [], types }] of limited) {
  const python = types === undefined ? [] : (['command:python3'] as const);
  inLongForm('root', 'userns', 'overlay', ...python, ...more)(`example ${line}`, async (t) => play(t, lab, line));
}
