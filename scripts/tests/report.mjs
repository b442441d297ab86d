// What a run shows: a line a stage, each failure with its details as it comes, and at the end skips, table, and the one line of counts.
import { nameOf } from './tally.mjs';

const say = (line = '') => process.stdout.write(`${line}\n`);

export function showStage(title, tests, seconds) {
  const counts = ['passed', 'failed', 'skipped'].map((outcome) => `${tests.filter((test) => test.outcome === outcome).length} ${outcome}`);
  say(`${title.padEnd(26)}${counts.join(', ').padEnd(40)}${seconds.toFixed(1).padStart(7)} s`);
  for (const test of tests.filter(({ outcome }) => outcome === 'failed')) {
    say(`\n  ✗ ${nameOf(test)}`);
    for (const line of test.details) say(`      ${line}`);
    say();
  }
}

/** Skips that lack the same thing stand together. */
export function showSkips(skips) {
  const groups = new Map();
  for (const skip of skips) {
    const head = headOfSkip(skip);
    groups.set(head, [...(groups.get(head) ?? []), skip.name]);
  }
  for (const [head, names] of [...groups].sort()) {
    say(`\n${head}`);
    for (const name of names) say(`  ${name}`);
  }
}

function headOfSkip({ lanes, lacks, elsewhere }) {
  const ran = elsewhere.length > 0 ? `, ran on ${elsewhere.join(' and ')}` : '';
  return `skipped on ${lanes.join(' and ')}${ran}: ${lacks.map((lack) => lack ?? 'does not say what it needs').join('; ')}`;
}

export function showFailures(failures) {
  if (failures.length === 0) return;
  say('\nfailed:');
  for (const { name, why } of failures) say(`  ${name}\n    ${why}`);
}

export function showTable(rows) {
  say(`\n${'lane'.padEnd(26)}${['passed', 'failed', 'skipped'].map((head) => head.padStart(9)).join('')}`);
  for (const [title, { passed, failed, skipped }] of rows) {
    say(`${title.padEnd(26)}${[passed, failed, skipped].map((count) => `${count}`.padStart(9)).join('')}`);
  }
}

export function showLastLine({ passed, failed, skipped }) {
  say(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
}
