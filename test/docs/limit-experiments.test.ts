// Those of docs/isolation-experiments.md that need controllers; a file of its own, since a guest repeats whole files.
import test from 'ava';
import { Lab } from '../support/lab.js';
import { inLongForm } from '../support/needs.js';
import { experiments, repeat } from './experiments.js';

const lab = new Lab();

const blocks = experiments().filter((each) => each.needs.some((need) => need.startsWith('cgroup2')));

test('some experiments need controllers', (t) => {
  t.true(blocks.length > 0);
});

for (const block of blocks) {
  inLongForm('root', 'userns', 'overlay', 'cgroup2:pids', 'cgroup2:memory')(`experiment ${block.heading}`, (t) => {
    repeat(t, lab, block);
  });
}

test.after.always(() => {
  lab.removeFolders();
});
