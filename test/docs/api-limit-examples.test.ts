// Those of the public API's examples that need controllers; a file of its own, since a guest repeats whole files.
import test from 'ava';
import { Lab } from '../support/lab.js';
import { inLongForm } from '../support/needs.js';
import { apiExamples, runExample } from './api-examples.js';

const lab = new Lab();
test.after.always(() => {
  lab.removeFolders();
});

const examples = apiExamples().filter((each) => each.needs.some((need) => need.startsWith('cgroup2:')));

test('some examples of the API need controllers', (t) => {
  t.true(examples.length > 0);
});

// A guest, which alone has them, needs minutes to read the surface.
for (const example of examples) {
  inLongForm('root', 'userns', 'overlay', ...example.needs)(`example of ${example.name}`, async (t) => runExample(t, lab, example));
}
