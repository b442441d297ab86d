// Those of docs/isolation-experiments.md that need controllers; a file of its own, since a guest repeats whole files.
import test from 'ava';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { experiments, repeat } from './experiments.js';

const lab = new Lab();

for (const block of experiments().filter((each) => each.needs.some((need) => need.startsWith('cgroup2')))) {
  needs('root', 'userns', 'overlay', 'cgroup2:pids', 'cgroup2:memory')(`experiment ${block.heading}`, (t) => {
    repeat(t, lab, block);
  });
}

test.after.always(() => {
  lab.removeFolders();
});
