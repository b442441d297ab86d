/** What stands around the unpacker, if a hostile archive should take it over: another program in its place gets at nothing. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Archiver } from '../../src/container/archiver/archiver.js';
import { nameLauncher, start } from '../../src/container/connection.js';
import { Launching } from '../../src/container/launching.js';
import { StateRoot } from '../../src/container/state/state-root.js';
import { loadNative, type NativeFiles } from '../../src/engine/addon.js';
import { SeccompCache } from '../../src/engine/seccomp.js';
import { prepareBase } from '../../src/cgroup/layout.js';
import { probeHost } from '../../src/host/probe.js';
import { TsrunError } from '../../src/index.js';
import { freshFolder, someLimits, unpack } from '../support/archive-lab.js';
import { Lab } from '../support/lab.js';
import { processes } from '../support/leaks.js';
import { needs } from '../support/needs.js';
import { tar } from '../support/tar.js';

const lab = new Lab();
const test = needs('root');

/** An archiver that hands over another program than its own. */
async function archiverOf(program: string): Promise<{ readonly archiver: Archiver; readonly close: () => void }> {
  const native: NativeFiles = { ...loadNative(), archivePath: program };
  const probed = probeHost({ native: native.addon });
  const host = { ...probed, cgroup: prepareBase(probed.cgroup).cgroup };
  const root = new StateRoot(lab.stateRoot);
  root.make();
  const seccomp = new SeccompCache((profile) => native.addon.compileSeccomp(profile), host.arch);
  const named = await nameLauncher(start(native, false), root);
  const archiver = new Archiver({ launching: new Launching({ addon: native.addon, host, root, seccomp, imageRoot: lab.scratch, loadLibrary: async () => Promise.reject(new Error('no images here')) }), native, host, named });
  return { archiver, close: () => { archiver.close(); named.launcher.close(); } };
}

/** A folder in which the program lies, so that it could be executed. */
function folderWith(program: string): string {
  const folder = freshFolder(lab);
  copyFileSync(program, join(folder, 'probe'));
  for (const name of ['proc', 'dev', 'etc']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'etc/hostname'), 'inside');
  return folder;
}

const attempts = 18;
/** The folder's own file, by a path that would lead to the host's. */
const harmless = ['host folder'];
const names = ['proc', 'device', 'node', 'internet', 'unix', 'namespace', 'ptrace', 'fork', 'execute', 'host folder', 'bpf', 'root', 'handle', 'perf', 'keys', 'memory', 'mount', 'ids'];
const succeeded = (bits: number) => names.filter((_name, index) => (bits & (1 << index)) !== 0);

test('neither files of the host nor devices, networks, processes, mounts or ids are within reach', async (t) => {
  const program = join(lab.image, 'bin/try-walls');
  const folder = folderWith(program);
  const { archiver, close } = await archiverOf(program);
  const { entries, unpackedBytes } = await archiver.unpackFiles({ place: { folder }, path: '/', source: Readable.from([]), limits: someLimits });
  close();
  t.is(unpackedBytes, attempts);
  t.deepEqual(succeeded(entries), harmless);
  t.is(readFileSync(join(folder, 'etc/hostname'), 'utf8'), 'inside');
});

test('control: without these walls all of it succeeds', (t) => {
  const folder = folderWith(join(lab.image, 'bin/try-walls'));
  const script = 'mount -t proc proc $1/proc; mount --bind /dev $1/dev; exec chroot $1 /probe';
  const { stderr } = spawnSync('unshare', ['--mount', '--pid', '--fork', '--net', '--propagation', 'private', 'sh', '-ec', script, 'sh', folder], { encoding: 'utf8' });
  t.deepEqual(succeeded(Number(/"entries":(\d+)/.exec(stderr)?.[1])), names);
});

test('the program has few capabilities, a filter, namespaces of its own, and nothing open', async (t) => {
  const runtime = await lab.runtime();
  const controller = new AbortController();
  const silent = new Readable({ read() { /* says nothing, so that the program waits */ } });
  const folder = freshFolder(lab);
  const work = (await runtime.archiver()).unpack({ source: silent, destination: folder, limits: someLimits, signal: controller.signal });
  const pid = await pidOf('tsrun-archive');
  const seen = lookAt(pid);
  t.deepEqual(runtime.list(), [], 'it is nobody\'s container');
  t.regex(new StateRoot(lab.stateRoot).ids().join(), /^archive\.[0-9a-f]+$/, 'though it has a record');
  controller.abort();
  await t.throwsAsync(work, { code: 'ERR_TSRUN_ABORTED' });
  const line = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(seen.status)?.[1];
  const capabilities = [0, 1, 3, 4, 21, 31].reduce((mask, number) => mask + 2 ** number, 0);
  t.is(Number.parseInt(line('CapEff') ?? '', 16), capabilities);
  t.is(line('CapBnd'), line('CapEff'));
  t.deepEqual([line('CapInh'), line('CapAmb')], ['0000000000000000', '0000000000000000']);
  t.deepEqual([line('NoNewPrivs'), line('Seccomp'), line('Threads')], ['1', '2', '2']);
  const own = lookAt(process.pid);
  for (const [type, namespace] of Object.entries(seen.namespaces)) t.not(namespace, own.namespaces[type], type);
  t.is(seen.mounts.length, 1, seen.mounts.join('\n'));
  t.is(seen.descriptors.length, 4, `the standard streams and the folder: ${seen.descriptors.join(', ')}`);
  t.regex(seen.program, /^\/memfd:tsrun/, 'no file of the host is executed');
});

interface Seen {
  readonly status: string;
  readonly namespaces: Readonly<Record<string, string>>;
  readonly mounts: readonly string[];
  readonly descriptors: readonly string[];
  readonly program: string;
}

function lookAt(pid: number): Seen {
  const types = ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'];
  return {
    status: readFileSync(`/proc/${pid}/status`, 'utf8'),
    namespaces: Object.fromEntries(types.map((type) => [type, readlinkSync(`/proc/${pid}/ns/${type}`)])),
    mounts: readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n'),
    descriptors: readdirSync(`/proc/${pid}/fd`),
    program: readlinkSync(`/proc/${pid}/exe`),
  };
}

async function pidOf(name: string): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const found = processes().find((pid) => isCalled(pid, name));
    if (found !== undefined) return found;
    await delay(20);
  }
  throw new Error(`no ${name}`);
}

/** One of this file's own: others on this host may unpack as well. */
function isCalled(pid: number, name: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(`${name}\0unpack\0`) && readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(basename(lab.scratch));
  } catch {
    return false;
  }
}

test('killed at any moment it leaves no process, cgroup or record', async (t) => {
  const files = Array.from({ length: 100 }, (_, index) => [{ name: `d${index}/` }, { name: `d${index}/f`, data: 'x'.repeat(3000) }]).flat();
  const archive = tar(files);
  // In memory: what is left of it is written and removed a hundred times.
  const once = async (signal?: AbortSignal) => {
    const destination = mkdtempSync('/run/tsrun-test-layer-');
    try {
      await unpack(lab, archive, { destination, signal });
      return true;
    } catch (error) {
      if (!TsrunError.is(error) || error.code !== 'ERR_TSRUN_ABORTED') throw error;
      return false;
    } finally {
      rmSync(destination, { recursive: true });
    }
  };
  const durations: number[] = [];
  for (let run = 0; run < 3; run++) {
    const start = performance.now();
    await once();
    durations.push(performance.now() - start);
  }
  const wholeMs = Math.min(...durations);
  let interrupted = 0;
  for (let moment = 0; moment < 100; moment++) {
    if (!(await once(AbortSignal.timeout(Math.ceil((wholeMs * moment) / 100))))) interrupted++;
  }
  t.log(`${interrupted} of 100 were interrupted, within ${wholeMs.toFixed(0)} ms`);
  t.true(interrupted > 0);
  t.deepEqual(new StateRoot(lab.stateRoot).entries(), []);
});

lab.declareLeakTest();
