// The stages of a run. Each gives the lane that its tests count for and their list; a stage that goes wrong as a whole gives a failed
// test of its own name, so that nothing that happened is left out of the count.
import { spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { join } from 'node:path';
import { lanes } from '../../test/vm/lanes.mjs';
import { runLimited } from './child.mjs';
import { checkout, deal, selectFiles, testFiles } from './files.mjs';
import { countedFailures, readTap } from './tap.mjs';

// Seconds. Together less than 20 minutes on the host and 10 in the guest; the long form takes its time.
const limits = { lint: 180, unit: 240, host: 1200, harness: 120, guest: 600, preparation: 600, wholeLint: 600, fuzz: 600, wholeGuest: 7200, powerCuts: 14_400, sanitizers: 7200 };
// The harness keeps its own time, and needs some to start.
const guestPreparation = 60;
const guestsAtOnce = Math.min(2, availableParallelism());

const ava = ['node_modules/ava/entrypoints/cli.mjs', '--tap'];
const lastLines = 40;

/** The checks of `npm run lint`, each counted as one test. */
export function lint(long) {
  const native = long ? ['clang-tidy', 'npm', ['run', '--silent', 'lint:native'], limits.wholeLint] : ['clang-tidy', process.execPath, ['scripts/lint-native.mjs'], limits.lint];
  return checks('lint', [
    ['eslint', process.execPath, ['node_modules/eslint/bin/eslint.js', '.'], limits.lint],
    ['layers', process.execPath, ['scripts/check-layers.mjs'], limits.lint],
    native,
  ]);
}

/** Whatever bytes a client sends, or an archive holds: a minute of each. */
export function fuzz() {
  return checks('fuzzer', [['the readers of plans and of archives', process.execPath, ['scripts/fuzz.mjs'], limits.fuzz]], { TSRUN_FUZZ_SECONDS: '60' });
}

/** Two hundred, each with a boot. */
export function powerCuts() {
  return checks('power cuts', [['every command works after each', process.execPath, ['test/vm/power-cut.mjs', '--cuts', '200'], limits.powerCuts]]);
}

/** Under address, undefined-behaviour, leak and thread sanitizers, and under valgrind. */
export function sanitizers() {
  const parts = ['archive', 'archive-threads', 'launcher', 'addon', 'valgrind'];
  return checks('sanitizers', parts.map((part) => [part, process.execPath, ['scripts/sanitizers.mjs', part], limits.sanitizers]));
}

async function checks(file, commands, env) {
  const tests = [];
  for (const [title, command, args, limitSeconds] of commands) {
    const result = await runLimited(command, args, { limitSeconds, env });
    const passed = result.status === 0;
    tests.push({ ...(passed ? test({ title, outcome: 'passed' }) : wholeStage(title, { ...result, limitSeconds })), file });
  }
  return tests;
}

export function unit(filter) {
  return avaOnHost('unit', 'ava.config.js', testFiles().unit, filter);
}

export function host(filter) {
  return avaOnHost('host', 'ava.host.config.js', testFiles().host, filter);
}

export function harness(filter) {
  return avaOnHost('harness', 'ava.host.config.js', testFiles().harness, filter);
}

/** What a kernel of another version is most likely to do otherwise, as far as the time of the short form goes. */
const kernelFiles = ['attack-kernel-folders', 'limits', 'mounts', 'namespaces'].map((name) => `test/host/${name}.test.ts`);

/**
 * In guests, where nothing is built, two of them side by side: a guest is some twenty times slower than its host, and its tests run
 * one after the other. One takes the files about the kernel and then some of the tests that could not run on the bare host, the other the
 * rest of these. In the long form, and where this is the only lane that was asked for, all host tests run.
 */
export async function guest(lane, { skipped, filter, long }) {
  const whole = long || skipped === undefined || filter !== undefined || lanes[lane].only !== undefined;
  const turns = whole ? wholeFiles(filter ?? lanes[lane].only).map((share) => [share]) : shortTurns(skipped);
  const limitSeconds = whole ? limits.wholeGuest : limits.guest;
  // Once: guests that start together would all fetch and build it.
  const prepared = await runLimited(process.execPath, ['test/vm/run.mjs', lane, '--prepare'], { limitSeconds: limits.preparation });
  if (prepared.status !== 0) return [wholeStage(`${lane}: its preparation`, { ...prepared, limitSeconds: limits.preparation })];
  const tests = await Promise.all(turns.map((shares) => oneAfterTheOther(lane, shares, limitSeconds)));
  const others = whole && skipped !== undefined && lanes[lane].only === undefined ? skippedTests(skipped.filter(({ file }) => !testFiles().host.includes(file))) : { files: [] };
  if (others.files.length > 0) tests.push(await oneGuest(lane, others, limitSeconds));
  return tests.flat();
}

/** What is skipped on the bare host takes longer than the files about the kernel. */
function shortTurns(skipped) {
  const { files, titles } = skippedTests(skipped);
  const most = Math.ceil((files.length * 3) / 4);
  return [[{ files: kernelFiles }, { files: files.slice(most), titles }], [{ files: files.slice(0, most), titles }]];
}

/** All within the time that one of them would have. */
async function oneAfterTheOther(lane, shares, limitSeconds) {
  const end = Date.now() + limitSeconds * 1000;
  const tests = [];
  for (const share of shares) {
    if (share.files.length > 0) tests.push(...(await oneGuest(lane, share, Math.max(1, Math.round((end - Date.now()) / 1000)))));
  }
  return tests;
}

function wholeFiles(filter) {
  const { files, titles } = selectFiles(testFiles().host, filter);
  return deal(files, guestsAtOnce).map((share) => ({ files: share, titles: patternsOf(titles) }));
}

function patternsOf(titles) {
  return titles?.map((title) => `*${title}*`);
}

/** What a lane of its own is for. */
const elsewhere = Object.values(lanes).flatMap(({ only = [] }) => only);

/** With the test that looks for what a file has left. */
function skippedTests(skipped) {
  const others = skipped.filter(({ file }) => !kernelFiles.includes(file) && !elsewhere.some((part) => file.includes(part)));
  return { files: [...new Set(others.map(({ file }) => file))], titles: [...new Set(others.map(({ title }) => `${title}*`)), 'nothing of * is left*'] };
}

async function oneGuest(lane, { files, titles }, guestSeconds) {
  const inside = [process.execPath, ...avaArguments('ava.guest.config.js', files, titles)];
  const args = ['test/vm/run.mjs', lane, '--timeout', `${guestSeconds}`, '--', ...inside];
  const limitSeconds = guestSeconds + guestPreparation;
  return readRun(lane, files, titles, { ...(await runLimited(process.execPath, args, { limitSeconds, env: quiet })), limitSeconds });
}

const quiet = { NO_COLOR: '1' };

async function avaOnHost(stage, config, all, filter) {
  const { files, titles } = selectFiles(all, filter);
  if (files.length === 0) return [];
  const limitSeconds = limits[stage];
  const patterns = patternsOf(titles);
  const [command, ...args] = [...inMemory(), process.execPath, ...avaArguments(config, files, patterns)];
  const result = await runLimited(command, args, { limitSeconds, env: quiet });
  return readRun(stage, files, patterns, { ...result, limitSeconds });
}

/**
 * What starts a program with its own file systems in memory where containers and images of tests come and go: /run, as every Debian with
 * systemd has it, and /var/tmp where the disk below is mounted with `discard`. There each small file that is removed takes a millisecond
 * (ext4(5)), and these tests remove a million. Guests have a disk. Before Linux 6.6 a tmpfs has no `user.` attributes.
 */
function inMemory() {
  if (process.geteuid() !== 0) return [];
  const mounts = [...(isTmpfs('/run') ? [] : ['mount -t tmpfs -o mode=0755 tmpfs /run']), ...(isSlow('/var/tmp') && kernelIsFrom(6, 6) ? ['mount -t tmpfs -o mode=1777 tmpfs /var/tmp'] : [])];
  return mounts.length === 0 ? [] : ['unshare', '--mount', 'sh', '-c', `${mounts.join(' && ')} && exec "$@"`, 'sh'];
}

function isTmpfs(path) {
  return statfsSync(path).type === 0x01021994;
}

function isSlow(path) {
  return spawnSync('findmnt', ['--noheadings', '--output', 'OPTIONS', '--target', path], { encoding: 'utf8' }).stdout.split(/[,\n]/).includes('discard');
}

function kernelIsFrom(major, minor) {
  const [ownMajor, ownMinor] = release().split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

function avaArguments(config, files, titles) {
  return [join(checkout, ava[0]), ...ava.slice(1), '--config', config, ...(titles ?? []).flatMap((title) => ['--match', title]), ...files];
}

function readRun(stage, files, titles, result) {
  const tests = readTap(result.output, files);
  // What ava says of a whole file, such as a crash, is often explained on stderr only.
  tests.find((each) => each.file === undefined)?.details.push(...lastWords(result.errors));
  const failed = tests.filter(({ outcome }) => outcome === 'failed').length;
  const ended = countedFailures(result.output);
  const seen = new Set(tests.map(({ file }) => file));
  // With a filter by title most files have nothing to run, and ava says so with an exit status.
  if (titles !== undefined && ended !== undefined && !result.timedOut) return tests;
  const crashed = (file) => tests.some((each) => each.file === undefined && each.title.includes(file));
  const silent = ended === undefined ? [] : files.filter((file) => !seen.has(file) && !crashed(file));
  tests.push(...silent.map((file) => test({ file, title: 'the file as a whole', outcome: 'failed', details: [`ran no test in stage ${stage}`] })));
  const unexplained = ended === undefined || ended > failed || (result.status !== 0 && failed + silent.length === 0);
  if (unexplained) tests.push(wholeStage(stage, result));
  return tests;
}

function wholeStage(stage, { status, timedOut, output, errors, limitSeconds }) {
  const reason = timedOut ? `stopped after ${limitSeconds} s` : `ended with ${status}`;
  return test({ title: `${stage} as a whole`, outcome: 'failed', details: [reason, ...lastWords(`${output}${errors}`)] });
}

function lastWords(text) {
  return text.trimEnd().split('\n').slice(-lastLines);
}

function test({ file, title, outcome, details = [] }) {
  return { file, title, outcome, lack: undefined, details };
}
