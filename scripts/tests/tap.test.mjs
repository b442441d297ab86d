import test from 'ava';
import { countedFailures, readTap } from './tap.mjs';

const files = ['test/cgroup/limits.test.ts', 'test/cgroup/limits-kernel.test.ts', 'scripts/tests/tap.test.mjs'];

const line = (title, directive = '') => readTap(`TAP version 13\nok 1 - ${title}${directive}\n`, files)[0];

test('a title is split from its file', (t) => {
  t.like(line('test › cgroup › limits › all of them'), { file: files[0], title: 'all of them', outcome: 'passed' });
  t.like(line('scripts › tests › tap › a › b'), { file: files[2], title: 'a › b' });
});

test('files that share a folder, and a file alone, are named without it', (t) => {
  const [shared] = readTap('ok 1 - limits-kernel › one\n', files.slice(0, 2));
  const [alone] = readTap('ok 1 - one › two\n', files.slice(0, 1));
  t.like(shared, { file: files[1], title: 'one' });
  t.like(alone, { file: files[0], title: 'one › two' });
});

test('a skip says what it lacks, and has the title that it has where it runs', (t) => {
  t.like(line('test › cgroup › limits › takes {"pids":0} (needs root, cgroup2:pids)', ' # SKIP'), {
    title: 'takes {"pids":0}', outcome: 'skipped', lack: 'needs root, cgroup2:pids',
  });
  t.like(line('test › cgroup › limits › forgotten', ' # SKIP'), { title: 'forgotten', lack: undefined });
});

test('a failure keeps its details, a todo is one', (t) => {
  const text = "not ok 7 - test › cgroup › limits › one\n#   a log\n  ---\n    name: AssertionError\n    values:\n      a: 'not ok 8 - x'\n  ...\nok 8 - test › cgroup › limits › two";
  const [failed, passed] = readTap(text, files);
  t.like(failed, { outcome: 'failed', details: ['name: AssertionError', 'values:', "  a: 'not ok 8 - x'"] });
  t.like(passed, { outcome: 'passed', details: [] });
  t.is(readTap('not ok 1 - later # TODO\n', files)[0].outcome, 'failed');
});

test('what ava says of itself has no file', (t) => {
  t.like(readTap('not ok 1 - test/a.test.ts exited due to SIGSEGV\n', files)[0], { file: undefined, outcome: 'failed' });
});

test("ava's own count", (t) => {
  t.is(countedFailures('1..3\n# tests 3\n# pass 1\n# fail 2\n'), 2);
  t.is(countedFailures('TAP version 13\nok 1 - cut'), undefined);
});
