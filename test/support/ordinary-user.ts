/**
 * A user who is not root, for the length of a test: known to processes that are started through it alone, in a mount namespace
 * with user files of its own, so that nothing of the host is changed. Has a copy of the package, since a checkout may lie where
 * only root can read.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, chownSync, copyFileSync, cpSync, existsSync, lchownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { loadNative } from '../../src/engine/addon.js';
import type { Lab } from './lab.js';
import { processes } from './leaks.js';
import { isReply, type Order, type Reply } from './user-program.js';

export interface UserOptions {
  /** The process is born alone in this cgroup, which the user gets: the folder and the files of cgroups(7), "Delegation". */
  readonly cgroup?: string;
  /** With lines in /etc/subuid and /etc/subgid. Default true. */
  readonly subordinate?: boolean;
  readonly path?: string;
  /** Another process of the user lives beside it in the cgroup. */
  readonly crowded?: boolean;
  /** Path of the network namespace that it lives in, with a /dev/net/tun for everybody, as udev makes it. */
  readonly network?: string;
  /** Whether it may open that /dev/net/tun. Default `open`. */
  readonly tun?: 'open' | 'closed';
  /** Programs that it shall not find. */
  readonly without?: string;
}

const checkout = resolve(import.meta.dirname, '../../..');
const rangeSize = 65_536;
const delegatedFiles = ['', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'];

/** Mounts the user files that are its first argument over the host's, enters the cgroup that is its second, becomes the user. The crowd keeps no stream open. */
const becomeUser = `
  for name in passwd group subuid subgid; do mount --bind "$1/$name" "/etc/$name" || exit 1; done
  if [ -n "$2" ]; then echo $$ >"$2/cgroup.procs" || exit 1; fi
  if [ -n "$3" ]; then sleep 60 >/dev/null 2>&1 & fi
  if [ -n "$4" ]; then mknod -m "$4" "$1/tun" c 10 200 && mount --bind "$1/tun" /dev/net/tun || exit 1; fi
  for name in $5; do mount --bind /dev/null "$(readlink -f "$(command -v "$name")")" || exit 1; done
  ids=$6; shift 6
  exec setpriv --reuid "\${ids%:*}" --regid "\${ids#*:}" --clear-groups --inh-caps=-all -- env "$@"`;

export class OrdinaryUser {
  readonly name = 'tsrun-test';
  readonly uid = 40_000 + (process.pid % 20_000);
  readonly gid = this.uid + 1;
  readonly subUids = 2_000_000_000 + (process.pid % 1000) * 2 * rangeSize;
  readonly subGids = this.subUids + rangeSize;
  readonly home: string;
  readonly image: string;
  readonly #runtimeFolder = mkdtempSync('/run/tsrun-test-user-');
  readonly #children = new Set<ChildProcess>();

  constructor(lab: Lab) {
    this.home = mkdtempSync(join(lab.scratch, 'user-'));
    chmodSync(lab.scratch, 0o755);
    this.image = join(this.home, 'image');
    for (const folder of [this.home, this.#runtimeFolder]) chmodSync(folder, 0o700);
    this.#copyPackage();
    cpSync(lab.image, this.image, { recursive: true, verbatimSymlinks: true });
    for (const entry of readdirSync(this.home, { recursive: true, encoding: 'utf8' })) lchownSync(join(this.home, entry), this.uid, this.gid);
    for (const folder of [this.home, this.#runtimeFolder]) chownSync(folder, this.uid, this.gid);
    // Where the image's user 1000 is at home.
    chownSync(join(this.image, 'home/app'), this.outerUid(1000), this.outerGid(1000));
  }

  /** On the host, of an id in a container: root is the user, the others are the subordinate ones. */
  outerUid(inner: number): number {
    return inner === 0 ? this.uid : this.subUids + inner - 1;
  }

  outerGid(inner: number): number {
    return inner === 0 ? this.gid : this.subGids + inner - 1;
  }

  get stateRoot(): string {
    return join(this.#runtimeFolder, 'tsrun');
  }

  /** Has a process of the user do these things, one after the other, until it ends. */
  async ask(orders: readonly Order[], options: UserOptions = {}): Promise<Reply[]> {
    const child = this.#start(orders, options);
    const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    return output.trim().split('\n').map(readReply);
  }

  /** The same, but for the first reply only; the process goes on until it is killed. */
  async begin(orders: readonly Order[], options: UserOptions = {}): Promise<{ readonly child: ChildProcess; readonly reply: Reply }> {
    const child = this.#start(orders, options);
    for await (const line of createInterface({ input: child.stdout })) return { child, reply: readReply(line) };
    throw new Error('the process of the user ended without a word');
  }

  /** What of the user is still there after a moment, as sentences. */
  async leftovers(limitMs = 10_000): Promise<string[]> {
    const end = Date.now() + limitMs;
    for (;;) {
      const found = [
        ...processes().filter((pid) => this.#owns(pid)).map((pid) => `process ${pid}`),
        ...['containers', 'launchers', 'ranges'].flatMap((folder) => list(join(this.stateRoot, folder)).map((name) => `${folder}/${name}`)),
      ];
      if (found.length === 0 || Date.now() > end) return found;
      await delay(50);
    }
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.#runtimeFolder, { recursive: true, force: true });
  }

  #start(orders: readonly Order[], { cgroup, subordinate = true, crowded = false, network, tun = 'open', without = '', path = process.env['PATH'] ?? '' }: UserOptions) {
    const files = this.#userFiles(subordinate);
    if (cgroup !== undefined) for (const file of delegatedFiles) chownSync(join(cgroup, file), this.uid, this.gid);
    const obeying = join(this.home, 'package/dist/test/support/user-program.js');
    const words = [files, cgroup ?? '', crowded ? 'crowded' : '', network === undefined ? '' : tun === 'open' ? '666' : '600', without, `${this.uid}:${this.gid}`, `PATH=${path}`, process.execPath, obeying, JSON.stringify(orders)];
    const alone = ['--mount', '--propagation', 'private', 'sh', '-c', becomeUser, 'sh', ...words];
    const child = spawn(network === undefined ? 'unshare' : 'nsenter', network === undefined ? alone : [`--net=${network}`, 'unshare', ...alone], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: this.home,
      env: { PATH: process.env['PATH'], HOME: this.home, XDG_RUNTIME_DIR: this.#runtimeFolder },
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  #userFiles(subordinate: boolean): string {
    const folder = mkdtempSync(join(this.home, 'etc-'));
    chmodSync(folder, 0o755);
    for (const name of ['passwd', 'group']) copyFileSync(join('/etc', name), join(folder, name));
    appendFileSync(join(folder, 'passwd'), `${this.name}:x:${this.uid}:${this.gid}::${this.home}:/bin/sh\n`);
    appendFileSync(join(folder, 'group'), `${this.name}:x:${this.gid}:\n`);
    writeFileSync(join(folder, 'subuid'), subordinate ? `${this.name}:${this.subUids}:${rangeSize}\n` : '');
    writeFileSync(join(folder, 'subgid'), subordinate ? `${this.name}:${this.subGids}:${rangeSize}\n` : '');
    return folder;
  }

  #copyPackage(): void {
    const target = join(this.home, 'package');
    mkdirSync(join(target, 'build/Release'), { recursive: true });
    mkdirSync(join(target, 'dist/test/support'), { recursive: true });
    const native = dirname(loadNative().addonPath);
    for (const name of readdirSync(native).filter((each) => /^tsrun(?:\.node|-\w+)$/.test(each))) copyFileSync(join(native, name), join(target, 'build/Release', name));
    copyFileSync(join(checkout, 'package.json'), join(target, 'package.json'));
    copyFileSync(join(import.meta.dirname, 'user-program.js'), join(target, 'dist/test/support/user-program.js'));
    cpSync(join(checkout, 'dist/src'), join(target, 'dist/src'), { recursive: true });
  }

  #owns(pid: number): boolean {
    const uid = Number(/^Uid:\t(\d+)/m.exec(content(`/proc/${pid}/status`))?.[1] ?? '-1');
    return uid === this.uid || (uid >= this.subUids && uid < this.subUids + rangeSize);
  }
}

function readReply(line: string): Reply {
  const reply: unknown = JSON.parse(line);
  if (!isReply(reply)) throw new Error(`not a reply: ${line}`);
  return reply;
}

function content(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
