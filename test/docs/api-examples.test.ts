// Every example in the comments of the public API does what it says.
import test from 'ava';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { apiExamples, promises, runExample } from './api-examples.js';

const lab = new Lab();
test.after.always(() => {
  lab.removeFolders();
});

test('control: what an example promises is found', (t) => {
  t.deepEqual(promises("console.log(a); // one …\nawait x(); // two\nfor (;;) console.log(b); // three\n"), ['one …', 'three']);
  t.true(apiExamples().filter(({ text }) => promises(text).length > 0).length >= 5);
});

for (const example of apiExamples().filter((each) => !each.needs.some((need) => need.startsWith('cgroup2:')))) {
  needs('root', 'userns', 'overlay', ...example.needs)(`example of ${example.name}`, async (t) => runExample(t, lab, example));
}
