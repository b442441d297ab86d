// Runs the tests of a built checkout: `node scripts/run-tests.mjs [--filter TEXT]… [--long] [LANE]`. A lane is `bare`, one of those in
// test/vm/lanes.mjs, `guests` for all of these, or `all`, the default: this machine, the first of them and that with
// systemd, in the long form arm64 too.
// Lint, unit tests and host tests run on this machine (lane bare); the host tests, and what could not run here, run again in a guest.
// The last line is `N passed, N failed, N skipped` and counts each test once: scripts/tests/tally.mjs says how. Each `--filter` takes a part
// of files' paths, or of titles when no path has any. `--long` leaves nothing out for the sake of time: all host tests in the guest too,
// the whole of clang-tidy, a minute of the fuzzer, two hundred power cuts, and the sanitizers.
import { parseArgs } from 'node:util';
import { obstacle as architectureObstacle, defaultLane, lanes as guestLanes, packagesFor } from '../test/vm/lanes.mjs';
import { missingPackages } from '../rootfs-fixtures/packages.mjs';
import { endAll } from './tests/child.mjs';
import { showFailures, showLastLine, showSkips, showStage, showTable } from './tests/report.mjs';
import { fuzz, guest, harness, host, lint, powerCuts, sanitizers, unit } from './tests/stages.mjs';
import { Tally } from './tests/tally.mjs';

const bare = 'bare';
const choices = [bare, ...Object.keys(guestLanes), 'guests', 'all'];

function options() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { filter: { type: 'string', multiple: true }, long: { type: 'boolean', default: false } } });
  // Of several the last holds: what somebody gives to a script of npm's comes after what the script gives.
  const lane = positionals.at(-1) ?? 'all';
  if (!choices.includes(lane)) throw new Error(`no lane called ${lane}; there are ${choices.join(', ')}`);
  // Tests that take a sample, or leave themselves out, look for it; a guest is told as well.
  if (values.long) process.env.TSRUN_LONG = '1';
  return { ...values, lane };
}

async function stage(tally, lane, title, run) {
  const start = Date.now();
  const tests = await run();
  if (tests.length === 0) return tests;
  showStage(title, tests, (Date.now() - start) / 1000);
  for (const test of tests) tally.add(lane, test);
  return tests;
}

async function runBare(tally, { filter, long }) {
  if (filter === undefined) await stage(tally, 'lint', 'lint', () => lint(long));
  if (filter === undefined && long) await stage(tally, 'fuzzer', 'fuzzer', fuzz);
  const unitTests = await stage(tally, bare, 'unit tests', () => unit(filter));
  const hostTests = await stage(tally, bare, 'host tests', () => host(filter));
  if (filter === undefined && long) await stage(tally, 'sanitizers', 'sanitizers', sanitizers);
  return [...unitTests, ...hostTests].filter(({ outcome }) => outcome === 'skipped');
}

async function runGuest(tally, lane, choice) {
  if (lane === defaultLane) await stage(tally, lane, `${lane}: its harness`, () => harness(choice.filter));
  if (lane === defaultLane && choice.long && choice.filter === undefined) await stage(tally, lane, `${lane}: power cuts`, powerCuts);
  await stage(tally, lane, `${lane}: host tests`, () => guest(lane, choice));
}

/** Why a lane cannot run here, or undefined. */
function obstacle(name) {
  const lane = guestLanes[name];
  const wrong = architectureObstacle(lane);
  if (wrong !== undefined || process.getuid() === 0) return wrong;
  const missing = missingPackages(packagesFor(lane));
  return missing.length > 0 ? `needs ${missing.join(' ')}` : undefined;
}

/** With no lane named, the default one, those that are for tests of their own, and in the long form the other architecture. */
function chosenGuests(chosen, { filter, long }) {
  const isMeant = (path) => filter === undefined || filter.some((text) => path.includes(text));
  const special = Object.keys(guestLanes).filter((name) => guestLanes[name].only?.some(isMeant));
  if (chosen === 'all') return [defaultLane, ...special, ...(long ? ['vm-arm64'] : [])];
  return Object.keys(guestLanes).filter((name) => chosen === 'guests' || chosen === name);
}

/** Gives whether all was asked for that a test could run on. */
async function runLanes(tally, { lane: chosen, ...choice }) {
  const skipped = chosen === 'all' || chosen === bare ? await runBare(tally, choice) : undefined;
  for (const lane of chosenGuests(chosen, choice)) {
    const reason = obstacle(lane);
    if (reason === undefined) await runGuest(tally, lane, { ...choice, skipped });
    else process.stdout.write(`${lane} did not run: ${reason}\n`);
  }
  return chosen === 'all';
}

function summarize(tally, strict) {
  showSkips(tally.skips());
  showFailures(tally.failures({ strict }));
  const total = tally.counts({ strict });
  showTable([...tally.lanes().map((lane) => [lane, tally.counts({ lane })]), ['each test once', total]]);
  showLastLine(total);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    void endAll().then(() => process.exit(130));
  });
}

try {
  const tally = new Tally();
  const strict = await runLanes(tally, options());
  process.exitCode = summarize(tally, strict);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
