// `node test/vm/run.mjs [lane] [--timeout SECONDS] -- <command…>`: runs the command in a guest, in this folder, as on the host.
// `node test/vm/run.mjs [lane] --prepare`: fetches and builds what a guest of that lane needs, and starts none.
import { realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fixture, fixtureNames } from '../../rootfs-fixtures/build.mjs';
import { cacheFolder } from '../../rootfs-fixtures/cache.mjs';
import { ensurePackages } from '../../rootfs-fixtures/packages.mjs';
import { diskWith } from './disk.mjs';
import { runGuest } from './emulator.mjs';
import { initramfsFor } from './initramfs.mjs';
import { kernelFor } from './kernel.mjs';
import { defaultLane, laneNamed, packagesFor } from './lanes.mjs';
import { systemFor } from './system.mjs';

const usage = 'usage: node test/vm/run.mjs [lane] [--timeout SECONDS] -- <command...> | --prepare';
const ownFailure = 125;
const timeoutStatus = 124;
const defaultTimeout = '1800';
const checkout = resolve(import.meta.dirname, '../..');
const passedOn = ['CI', 'FORCE_COLOR', 'NO_COLOR', 'LANG', 'LC_ALL', 'NODE_OPTIONS'];

/** All that comes before the start of a guest, in part from the cache: what is the same for every command. */
function prepare(lane) {
  ensurePackages(packagesFor(lane));
  const kernel = kernelFor(lane);
  const system = systemFor(lane.architecture, checkout);
  const disk = diskWith(fixtureNames.map((name) => [name, fixture(name, lane.architecture)]));
  return { kernel, system, disk, initramfs: initramfsFor(kernel, lane.architecture) };
}

/** One guest, from power-on to the end of the command; options are those of `runGuest`. */
export function runInLane(lane, command, options) {
  const { kernel, system, disk, initramfs } = prepare(lane);
  const files = {
    root: system.root,
    modules: kernel.modules,
    // QEMU refuses an empty file, so each list ends with an empty line.
    keep: [...keptPaths(system).map((pair) => pair.join('\t')), '', ''].join('\n'),
    setup: [...lane.setup, '', ''].join('\n'),
    init: lane.init ?? 'session',
    command: commandScript(command, process.cwd(), guestEnvironment(lane)),
  };
  return runGuest({ lane, kernel, initramfs, disk, files, ...options });
}

/** Of the host's files, as [source, place]: what the run needs and would not see in the guest, which has an empty /tmp and /run of its own. */
function keptPaths({ root, additions }) {
  const isHidden = (path) => root !== '/' || ['/tmp/', '/run/'].some((prefix) => path.startsWith(prefix));
  const own = [checkout, cacheFolder(), process.cwd(), ...(root === '/' ? [dirname(process.execPath)] : [])];
  return [...[...new Set(own.filter(isHidden))].map((path) => [path, path]), ...additions];
}

function guestEnvironment(lane) {
  const given = Object.entries(process.env).filter(([name]) => passedOn.includes(name) || name.startsWith('TSRUN_'));
  const path = [dirname(process.execPath), '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const own = { HOME: process.env.HOME ?? '/root', PATH: path.join(':'), TERM: 'dumb', USER: 'root', TSRUN_LANE: lane.name, TSRUN_FIXTURES: '/var/lib/tsrun-images' };
  return { ...Object.fromEntries(given), ...own };
}

function commandScript(command, folder, environment) {
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`);
  return [...exports, `cd ${quoted(folder)} || exit ${ownFailure}`, `exec ${command.map(quoted).join(' ')}`, ''].join('\n');
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function parse(argv) {
  const split = argv.indexOf('--');
  const { values, positionals } = parseArgs({
    args: split < 0 ? argv : argv.slice(0, split),
    options: { timeout: { type: 'string', default: defaultTimeout }, prepare: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const command = split < 0 ? [] : argv.slice(split + 1);
  const timeoutSeconds = Number(values.timeout);
  if (values.prepare === command.length > 0 || positionals.length > 1 || !(timeoutSeconds > 0)) throw new Error(usage);
  return { lane: laneNamed(positionals[0] ?? defaultLane), command, timeoutSeconds, onlyPrepare: values.prepare };
}

async function main() {
  const interrupt = new AbortController();
  let interruptedBy;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(name, () => {
      interruptedBy = name;
      interrupt.abort();
    });
  }
  const { lane, command, timeoutSeconds, onlyPrepare } = parse(process.argv.slice(2));
  if (onlyPrepare) {
    prepare(lane);
    return 0;
  }
  const output = (bytes) => process.stdout.write(bytes);
  const errors = (bytes) => process.stderr.write(bytes);
  const result = await runInLane(lane, command, { timeoutSeconds, output, errors, signal: interrupt.signal });
  if (interruptedBy) return 128 + constants.signals[interruptedBy];
  if (result.status !== undefined) return result.status;
  process.stderr.write(`${result.console}\n${lane.name}: ${result.failure}\n`);
  return result.timedOut ? timeoutStatus : ownFailure;
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = ownFailure;
  }
}
