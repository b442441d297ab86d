// Counts tests, not runs: a test is a file and a title, whatever number of lanes it ran on.
//   failed   it failed on any lane
//   passed   it failed on none and passed on at least one; that it was skipped elsewhere is listed, not counted
//   skipped  it was skipped on every lane that ran. When all lanes were asked for, nothing tests what it is there for: that is `missing`,
//            and counts as failed. So does a skip that does not say what it lacks.
export class Tally {
  #tests = new Map();

  /** `lane` is a row of the table; a test that ran twice on one lane keeps its worse outcome there. */
  add(lane, test) {
    const name = nameOf(test);
    const known = this.#tests.get(name) ?? { name, lanes: new Map() };
    const before = known.lanes.get(lane);
    if (before === undefined || badness(test) > badness(before)) known.lanes.set(lane, test);
    this.#tests.set(name, known);
  }

  /** Outcomes of one lane, or with no lane those of each test once. */
  counts({ lane, strict = false } = {}) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const test of this.#tests.values()) {
      const outcome = lane === undefined ? verdict(test, strict) : test.lanes.get(lane)?.outcome;
      if (outcome !== undefined) counts[outcome] += 1;
    }
    return counts;
  }

  lanes() {
    return [...new Set([...this.#tests.values()].flatMap((test) => [...test.lanes.keys()]))];
  }

  /** Every skip: { name, lanes, lacks, elsewhere: where it passed or failed }. */
  skips() {
    return [...this.#tests.values()].flatMap(({ name, lanes }) => {
      const skipped = [...lanes].filter(([, test]) => test.outcome === 'skipped');
      if (skipped.length === 0) return [];
      const elsewhere = [...lanes.keys()].filter((lane) => lanes.get(lane).outcome !== 'skipped');
      return [{ name, lanes: skipped.map(([lane]) => lane), lacks: [...new Set(skipped.map(([, test]) => test.lack))], elsewhere }];
    });
  }

  /** The names of tests that count as failed, each with why. */
  failures({ strict = false } = {}) {
    return [...this.#tests.values()].filter((test) => verdict(test, strict) === 'failed').map((test) => ({ name: test.name, why: whyFailed(test) }));
  }
}

export function nameOf({ file, title }) {
  return file === undefined ? title : `${file} › ${title}`;
}

function verdict({ lanes }, strict) {
  const tests = [...lanes.values()];
  if (tests.some(({ outcome, lack }) => outcome === 'failed' || (outcome === 'skipped' && lack === undefined))) return 'failed';
  if (tests.some(({ outcome }) => outcome === 'passed')) return 'passed';
  return strict ? 'failed' : 'skipped';
}

function whyFailed({ lanes }) {
  const failed = [...lanes].filter(([, test]) => test.outcome === 'failed').map(([lane]) => lane);
  if (failed.length > 0) return `failed on ${failed.join(' and ')}`;
  const [lane, test] = [...lanes].find(([, { lack }]) => lack === undefined) ?? [...lanes][0];
  return test.lack === undefined ? `skipped on ${lane} without saying what it needs` : `missing: skipped on every lane, ${test.lack}`;
}

function badness({ outcome }) {
  return ['skipped', 'passed', 'failed'].indexOf(outcome);
}
