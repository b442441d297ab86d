// docs/isolation-experiments.md, command by command: what the document shows is what is printed.
import test from 'ava';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { experiments, matches, repeat } from './experiments.js';

const lab = new Lab();

test('there are a dozen and more', (t) => {
  t.true(experiments().length >= 12);
});

test('what may differ is what the document leaves open', (t) => {
  t.true(matches(['0::…/tsrun', '…'], ['0::/a/tsrun', 'one', 'two']));
  t.false(matches(['0::…/tsrun'], ['0::/a/tsrun/x']));
  t.false(matches(['a', '…'], ['a']));
  t.false(matches(['a.c'], ['abc']));
  t.true(matches([], []));
  t.false(matches([], ['more']));
});

for (const block of experiments().filter((each) => !each.needs.some((need) => need.startsWith('cgroup2')))) {
  const kernels = block.needs.includes('kernel:6.12') ? (['kernel:6.12'] as const) : [];
  needs('root', 'userns', 'overlay', ...kernels)(`experiment ${block.heading}`, (t) => {
    repeat(t, lab, block);
  });
}

test.after.always(() => {
  lab.removeFolders();
});
