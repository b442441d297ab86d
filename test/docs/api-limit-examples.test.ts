// Those of the public API's examples that need controllers; a file of its own, since a guest repeats whole files.
import test from 'ava';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { apiExamples, runExample } from './api-examples.js';

const lab = new Lab();
test.after.always(() => {
  lab.removeFolders();
});

for (const example of apiExamples().filter((each) => each.needs.some((need) => need.startsWith('cgroup2:')))) {
  needs('root', 'userns', 'overlay', ...example.needs)(`example of ${example.name}`, async (t) => runExample(t, lab, example));
}
