import type { JsonValue } from '../../spec/json.js';

/** What the program around the script gives it (native/oci/). Each call is one of the system's; failures have `syscall` and `errno`. */

export interface FileStatus {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly rdev: number;
  /** When it, or what is known of it, was last changed; nobody can set that. */
  readonly ctimeUs: number;
}

export interface Host {
  /** The program's own name and its arguments. */
  readonly words: readonly string[];

  /** Runs another of the modules that the program holds. */
  loadModule(name: 'plan-main.js' | 'extra-main.js' | 'systemd-main.js'): void;

  open(path: string, flags: number, mode: number): number;
  close(fd: number): void;
  read(fd: number, mostBytes: number): Uint8Array;
  write(fd: number, bytes: Uint8Array): number;
  /** EFBIG for more than so many bytes. Does not wait for a FIFO. */
  readFile(path: string, mostBytes: number): Uint8Array;
  stat(path: string, follow: boolean): FileStatus;
  fileSystemType(path: string): number;
  access(path: string, mode: number): void;
  makeFolder(path: string, mode: number): void;
  removeFolder(path: string): void;
  unlink(path: string): void;
  setOwner(path: string, uid: number): void;
  rename(from: string, to: string): void;
  makeFifo(path: string, mode: number): void;
  /** flock(2), waited for. */
  lock(fd: number, exclusive: boolean): void;
  realPath(path: string): string;
  readLink(path: string): string;
  readFolder(path: string): string[];

  ids(): { readonly pid: number; readonly uid: number; readonly gid: number };
  environment(): Record<string, string>;
  workingFolder(): string;
  kernelRelease(): string;
  /** The processor, in Node's words. */
  readonly arch: 'x64' | 'arm64';
  /** A pidfd. */
  openProcess(pid: number): number;
  signalProcess(pidfd: number, signal: number): void;
  /** poll(2) for these events; whether one came in time. -1 waits for ever. */
  awaitEvents(fd: number, events: number, timeoutMs: number): boolean;
  /** The same for several: which one has an event; -1 for none in time. */
  awaitAnyEvent(fds: readonly number[], events: number, timeoutMs: number): number;
  /** From now on signals for this process wait until `watchForeground` passes them on. */
  takeSignals(): void;
  /** Passes signals on to a process, and bytes to and from its terminal (-1: none), until there is something to be read of `events`, or of `notices` (-1: none): true. */
  watchForeground(events: number, pidfd: number, terminal: number, notices: number): boolean;
  /**
   * Runs a program of the host in a folder; -1 ms waits for ever. It inherits no descriptor but those that are given for its standard output
   * and error; what it prints where none is (-1) is `output`. `status` as wait(2) has it.
   */
  runProgram(path: string, folder: string, words: readonly string[], environment: readonly string[], input: Uint8Array, timeoutMs: number, outputs: readonly number[]): { readonly status: number; readonly timedOut: boolean; readonly output: string };
  /** A child that does nothing, and ends when the descriptor is closed. */
  startHolder(): { readonly pid: number; readonly fd: number };
  /** Until a child ended. */
  waitFor(pid: number): void;
  /** Into the network namespace of a process, with its global addresses, and up; an empty name keeps the old one. */
  moveInterface(name: string, pid: number, newName: string): void;
  isTerminal(fd: number): boolean;

  startLauncher(launcherPath: string, reaperPath: string, words: readonly string[]): { readonly requests: number; readonly pid: number };
  streamPair(): [number, number];
  /** 0, or an errno. */
  send(socket: number, bytes: Uint8Array, descriptors: readonly number[]): number;
  receive(socket: number): number[];
  /** One for datagrams by a name in a folder, which anybody may send to. */
  bindDatagram(folder: string, name: string): number;
  sealBytes(bytes: Uint8Array): number;
  connectSocket(path: string): number;
  /** One for datagrams, which does not wait. */
  connectDatagram(path: string): number;
  compileSeccomp(profile: Uint8Array): Uint8Array;
  syscallName(number: number): string;
  /** Of the library that is linked in. */
  seccompVersion(): string;
  landlockAbi(): number;
  deviceProgramProbe(): number;
  /** A program that holds device rules, by its instructions; a descriptor. */
  loadDeviceProgram(instructions: Uint8Array): number;
  /** At once in the place of tsrun's own on the cgroup, which is a descriptor as well. */
  replaceDeviceProgram(program: number, cgroup: number): void;
  /** Whether the kernel takes these flags of seccomp(2). */
  seccompFlagWorks(flags: number): boolean;
  /** Whether libseccomp knows the architecture, by its own name: `x86_64`. */
  seccompArchitecture(name: string): boolean;

  /** Undefined where the bytes are not UTF-8. */
  decode(bytes: Uint8Array): string | undefined;
  encode(text: string): Uint8Array;
  /** 16 letters and digits for a text, mostly others for another (FNV-1a): a name, no proof. */
  nameOf(text: string): string;
  /** Into bytes that are there, from `at` on, as far as there is room; how many it took. */
  encodeInto(text: string, bytes: Uint8Array, at: number): number;
  /**
   * One document of `spec/json.ts`'s JSON; undefined for all that is wrong, and for what is rare: numbers with more than an integer of 53 bits,
   * surrogate pairs as escapes.
   */
  readJson(bytes: Uint8Array): JsonValue | undefined;
}

declare global {
  // `var` is how a property of the global object is declared.
  var host: Host;
}

export const host: Host = globalThis.host;

/** For `awaitEvents`: POLLIN of poll(2). */
export const readable = 1;
