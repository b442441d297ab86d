/**
 * The only door to the addon. It is looked for among the prebuilt binaries first, then where a checkout builds it.
 * This file alone knows what its functions are called; a worker thread may load it again, since it holds no state.
 */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { TsrunError } from '../spec/errors.js';
import { printable, show } from '../spec/quote.js';

export interface Addon {
  /** Starts a launcher; gives its request socket. Blocks about a millisecond, once. */
  startLauncher(launcherPath: string, reaperPath: string, rootless: boolean): number;
  /** A sealed memfd that can be executed, with what the file holds: nobody who runs it could write to it (CVE-2019-5736). */
  sealProgram(path: string): number;
  /** Gives the request socket of a launcher that lives already. */
  connectLauncher(path: string): number;
  /** Gives a datagram socket that sends to this path. */
  connectDatagram(path: string): number;
  streamPair(): [number, number];
  /** 0, or an errno. Never blocks. */
  send(socket: number, bytes: Uint8Array, descriptors: readonly number[]): number;
  /** A sealed memfd that holds the bytes. */
  sealBytes(bytes: Uint8Array): number;
  /** A memfd of so many bytes, for the launcher to write to. */
  shareMemory(bytes: number): number;
  /** The descriptors of one message. Never blocks. */
  receive(socket: number): number[];
  /** In a worker thread Node's own `closeSync` warns of every descriptor that it has not opened. */
  closeDescriptor(fd: number): void;
  landlockAbi(): number;
  /** 0, or the errno with which the kernel refuses to load a program for cgroups that holds device rules. */
  deviceProgramProbe(): number;
  syscallName(number: number): string;
  setWindowSize(terminal: number, rows: number, columns: number): void;
  /** Every byte passes a terminal as it is, both ways (cfmakeraw(3)). */
  makeRaw(terminal: number): void;
  /** A regular file of a hostile root, at most so many bytes of it; null when it is missing. */
  readInRoot(root: string, path: string, limitBytes: number): Buffer | null;
  /** An extended attribute of what lies at the path itself, at most 255 bytes of it; null without one. */
  readXattr(path: string, name: string): Buffer | null;
  /** Lets go of a project's limit (quotactl_fd(2)) on the file system of a folder: 0, or an errno. */
  forgetProject(folder: string, project: number): number;
  compileSeccomp(profile: Uint8Array): Uint8Array;
  /** 0, or the errno with which the kernel refuses an id-mapped mount of the path. Blocks a fraction of a millisecond. */
  idmapProbe(path: string): number;
  /** flock(2) of an open file: whether it was got; false when somebody else has it. Never blocks. */
  tryLock(fd: number, exclusive: boolean): boolean;
  /** The same, waited for: a descriptor of a socket that sends one byte, 0 when the lock was got, else an errno. Never blocks. */
  awaitLock(fd: number, exclusive: boolean): number;
}

/**
 * Whether `connectLauncher` failed because there is no launcher: refused, or no such name (unix(7)). The full queue of one that is
 * busy or stopped (EAGAIN) and a want of descriptors here (EMFILE) say nothing of the kind, and what it holds is not to be touched.
 */
export function saysDead(error: unknown): boolean {
  const { ECONNREFUSED, ENOENT } = constants.errno;
  return error instanceof Error && 'errno' in error && (error.errno === ECONNREFUSED || error.errno === ENOENT);
}

export interface NativeFiles {
  readonly addon: Addon;
  readonly addonPath: string;
  readonly launcherPath: string;
  readonly reaperPath: string;
  readonly archivePath: string;
}

const functions = [
  'startLauncher',
  'sealProgram',
  'connectLauncher',
  'connectDatagram',
  'streamPair',
  'send',
  'receive',
  'sealBytes',
  'shareMemory',
  'closeDescriptor',
  'landlockAbi',
  'deviceProgramProbe',
  'syscallName',
  'setWindowSize',
  'makeRaw',
  'readInRoot',
  'forgetProject',
  'readXattr',
  'compileSeccomp',
  'idmapProbe',
  'tryLock',
  'awaitLock',
] as const satisfies readonly (keyof Addon)[];

function isAddon(value: unknown): value is Addon {
  if (typeof value !== 'object' || value === null) return false;
  const members: Record<string, unknown> = { ...value };
  return functions.every((name) => typeof members[name] === 'function');
}

/** PATH_MAX: nothing of where something was looked for is cut off. */
const pathLimit = 4096;

const platform = `${process.platform}-${process.arch}`;
const hint = 'the package brings it for linux-x64 and linux-arm64 with glibc 2.34 or newer: install it again; elsewhere `npm run build` in a checkout of tsrun builds it';
const addonName = 'tsrun.node';
const programNames = { launcherPath: 'tsrun-launcher', reaperPath: 'tsrun-reaper', archivePath: 'tsrun-archive' } as const;

/** Folders that may hold the binaries, best first. */
function candidates(): string[] {
  const root = resolve(import.meta.dirname, '../../..');
  return [join(root, 'prebuilds', platform), join(root, 'build', 'Release')];
}

let loaded: NativeFiles | undefined;

/** @throws TsrunError `ERR_TSRUN_NATIVE_LOAD` */
export function loadNative(): NativeFiles {
  loaded ??= load();
  return loaded;
}

function load(): NativeFiles {
  const folders = candidates();
  const folder = folders.find((each) => existsSync(join(each, addonName)));
  if (folder === undefined) throw refusal(`there is no native part for ${platform}: no ${addonName} in ${folders.map(quoted).join(' or ')}`);
  const missing = Object.values(programNames).filter((name) => !existsSync(join(folder, name)));
  if (missing.length > 0) throw refusal(`the native part for ${platform} is not whole: no ${missing.join(' or ')} in ${quoted(folder)}`);
  const addonPath = join(folder, addonName);
  const { launcherPath, reaperPath, archivePath } = programNames;
  return { addon: loadAddon(addonPath), addonPath, launcherPath: join(folder, launcherPath), reaperPath: join(folder, reaperPath), archivePath: join(folder, archivePath) };
}

function loadAddon(path: string): Addon {
  const module: { exports: unknown } = { exports: {} };
  try {
    // As require() does, which looks for packages around it first: a millisecond.
    process.dlopen(module, path);
  } catch (cause) {
    // The dynamic linker's own words say what it lacks: a version of glibc, a library, the right processor.
    throw refusal(`${quoted(path)} could not be loaded on ${platform}: ${cause instanceof Error ? printable(cause.message, pathLimit) : show(cause)}`, cause);
  }
  if (!isAddon(module.exports)) throw refusal(`${quoted(path)} is not of this version of tsrun`);
  return module.exports;
}

function refusal(message: string, cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_NATIVE_LOAD', message, { hint, ...(cause !== undefined && { cause }) });
}

function quoted(path: string): string {
  return `'${printable(path, pathLimit)}'`;
}
