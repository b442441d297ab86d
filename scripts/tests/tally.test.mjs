import test from 'ava';
import { Tally } from './tally.mjs';

const lack = 'needs cgroup2:memory';

function tallied(...outcomes) {
  const tally = new Tally();
  for (const [lane, title, outcome, missing] of outcomes) tally.add(lane, { file: 'f', title, outcome, lack: missing, details: [] });
  return tally;
}

test('a test that ran on one lane and was skipped on another counts once, as passed', (t) => {
  const tally = tallied(['bare', 'one', 'skipped', lack], ['vm', 'one', 'passed']);
  t.deepEqual(tally.counts({ strict: true }), { passed: 1, failed: 0, skipped: 0 });
  t.deepEqual(tally.counts({ lane: 'bare' }), { passed: 0, failed: 0, skipped: 1 });
  t.deepEqual(tally.skips(), [{ name: 'f › one', lanes: ['bare'], lacks: [lack], elsewhere: ['vm'] }]);
});

test('a failure on any lane is a failure', (t) => {
  const tally = tallied(['bare', 'one', 'passed'], ['vm', 'one', 'failed']);
  t.deepEqual(tally.counts(), { passed: 0, failed: 1, skipped: 0 });
  t.deepEqual(tally.failures(), [{ name: 'f › one', why: 'failed on vm' }]);
});

test('a test that every lane skips is missing once all lanes were asked for', (t) => {
  const tally = tallied(['bare', 'one', 'skipped', lack], ['vm', 'one', 'skipped', lack]);
  t.deepEqual(tally.counts(), { passed: 0, failed: 0, skipped: 1 });
  t.deepEqual(tally.counts({ strict: true }), { passed: 0, failed: 1, skipped: 0 });
  t.regex(tally.failures({ strict: true })[0].why, /skipped on every lane, needs cgroup2:memory/);
});

test('a skip without a reason is a failure wherever it ran', (t) => {
  const tally = tallied(['bare', 'one', 'skipped'], ['vm', 'one', 'passed']);
  t.deepEqual(tally.counts(), { passed: 0, failed: 1, skipped: 0 });
  t.regex(tally.failures()[0].why, /on bare without saying/);
});

test('of two runs on one lane the worse outcome stays', (t) => {
  t.deepEqual(tallied(['bare', 'one', 'failed'], ['bare', 'one', 'passed']).counts(), { passed: 0, failed: 1, skipped: 0 });
});
