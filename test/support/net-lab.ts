/**
 * Two network namespaces, one behind the other, in which everything about networks is tried: `here` stands for the host and `far` for the
 * internet. Nothing of the machine's own network is touched.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { said, type CliLab, type Said } from './cli-lab.js';
import { processes } from './leaks.js';
import { namespaceOf } from './proc.js';
import { until } from './until.js';

/** Of the server in the internet, at port 80. */
export const farAddress = '198.51.100.7';
export const farAddress6 = '2001:db8:7::7';
/** Of the host on the way there. */
export const hereAddress = '192.0.2.1';
export const hereAddress6 = '2001:db8:2::1';
/** A server that only the host itself is to reach. */
export const loopbackPort = 8888;
export const farPage = 'from far away';

/** For a container: says what a server has, or what became of the try. */
export const getPage = 'get() { (printf "GET /page HTTP/1.0\\r\\n\\r\\n"; sleep 0.3) | timeout 3 nc "$1" "$2" 2>&1 | tail -n 1; };';

/** Takes datagrams that only the host itself is to send. */
const hear = `
  const { createSocket } = require('node:dgram');
  for (const [type, address] of [['udp4', '127.0.0.1'], ['udp6', '::1']]) createSocket(type).on('message', (text) => console.log(String(text))).bind(${loopbackPort}, address);`;
/** With the program that is the first argument hidden from what is executed. */
const hide = 'mount --bind /dev/null "$(readlink -f "$(command -v "$1")")" && shift && exec "$@"';

export class NetLab {
  /** What the loopback of the host was sent. */
  heard = '';
  readonly #lab: CliLab;
  readonly #without: string | undefined;
  readonly #held: ChildProcess[] = [];
  #here = 0;
  #pages: string | undefined;

  /** @param without a program that commands shall not find */
  constructor(lab: CliLab, without?: string) {
    this.#lab = lab;
    this.#without = without;
  }

  async open(): Promise<void> {
    this.#here = await this.#hold();
    const far = await this.#hold();
    const pages = mkdtempSync('/tmp/tsrun-test-pages-');
    this.#pages = pages;
    writeFileSync(`${pages}/page`, `${farPage}\n`);
    this.sh(`ip link set lo up; ip link add up0 type veth peer name down0 netns ${far}; ip addr add ${hereAddress}/24 dev up0; ip -6 addr add ${hereAddress6}/64 dev up0 nodad; ip link set up0 up; ip route add default via 192.0.2.2; ip -6 route add default via 2001:db8:2::2; sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`);
    this.sh(`ip link set lo up; ip addr add 192.0.2.2/24 dev down0; ip -6 addr add 2001:db8:2::2/64 dev down0 nodad; ip link set down0 up; ip addr add ${farAddress}/32 dev lo; ip -6 addr add ${farAddress6}/128 dev lo`, far);
    for (const at of ['0.0.0.0:80', '[::]:81']) this.#serve(far, at, pages);
    this.#serve(this.#here, `127.0.0.1:${loopbackPort}`, pages);
    this.#serve(this.#here, `${hereAddress}:8889`, pages);
    this.#serve(this.#here, '[::]:8890', pages);
    const ears = spawn('nsenter', [`--net=${this.namespace}`, process.execPath, '-e', hear], { stdio: ['ignore', 'pipe', 'ignore'] });
    ears.stdout.setEncoding('utf8').on('data', (text: string) => (this.heard += text));
    this.#held.push(ears);
    await until(() => this.get('127.0.0.1', loopbackPort) === farPage && this.get(farAddress, 80) === farPage && this.get(farAddress6, 81) === farPage && this.get('::1', 8890) === farPage && this.get(hereAddress, 8889) === farPage, 'servers');
  }

  /** Path of the network namespace that stands for the host. */
  get namespace(): string {
    return `/proc/${this.#here}/ns/net`;
  }

  /** What the host itself is told by a server. */
  get(address: string, port: number): string {
    return this.sh(`${getPage.replace(' nc ', ' busybox nc ')} get ${address} ${port}`);
  }

  /** In the host's namespace, or another. */
  sh(script: string, pid = this.#here): string {
    return spawnSync('nsenter', [`--net=/proc/${pid}/ns/net`, 'sh', '-c', script], { encoding: 'utf8', timeout: 30_000 }).stdout.trim();
  }

  spawn(words: readonly string[]): ChildProcess {
    const hidden = this.#without === undefined ? [] : ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', hide, 'sh', this.#without];
    const child = spawn('nsenter', [`--net=${this.namespace}`, ...hidden, 'timeout', '-s', 'KILL', '60', ...this.#lab.command, ...words], { stdio: 'pipe', env: { ...process.env, ...this.#lab.env } });
    child.stdin.end();
    return child;
  }

  async tsrun(...words: readonly string[]): Promise<Said> {
    return said(this.spawn(words));
  }

  async run(flags: readonly string[], script: string): Promise<Said> {
    return this.tsrun('run', '--rm', '--name', this.#lab.newId(), ...flags, this.#lab.image, 'sh', '-c', `${getPage} ${script}`);
  }

  /** What the loopback of the host is sent by way of an interface; it must be heard from the host itself. */
  async sentByDevice(send: (words: string) => Promise<unknown>): Promise<string> {
    const words = (device: string, text: string) => [['127.0.0.1', '4'], ['127.0.0.77', '4'], ['::1', '6']].map(([address = '', family = '']) => `send-by-device ${device} ${address} ${loopbackPort} ${text}${family}`);
    const before = this.heard.length;
    await send(words('eth0', 'contained').join('; '));
    for (const each of words('lo', 'own')) this.sh(`${this.#lab.image}/bin/${each}`);
    await until(() => /own4[^]*own6/.test(this.heard.slice(before)), 'what the host itself sends');
    return this.heard.slice(before);
  }

  /** Pids of programs of this name that run on the host. */
  programs(name: string): number[] {
    const own = namespaceOf(this.#here, 'network');
    return processes().filter((pid) => commandLine(pid).startsWith(`${name}\0`) && isIn(pid, own));
  }

  close(): void {
    for (const child of this.#held) child.kill('SIGKILL');
    if (this.#pages !== undefined) rmSync(this.#pages, { recursive: true });
  }

  async #hold(): Promise<number> {
    const child = spawn('unshare', ['--net', 'sleep', '1000'], { stdio: 'ignore' });
    this.#held.push(child);
    const pid = child.pid ?? 0;
    await until(() => namespaceOf(pid, 'network') !== namespaceOf('self', 'network'), 'a network namespace');
    return pid;
  }

  #serve(pid: number, at: string, pages: string): void {
    this.#held.push(spawn('nsenter', [`--net=/proc/${pid}/ns/net`, 'busybox', 'httpd', '-f', '-p', at, '-h', pages], { stdio: 'ignore' }));
  }
}

/** With NUL after each word; empty for a process that is gone. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function isIn(pid: number, network: string): boolean {
  try {
    return namespaceOf(pid, 'network') === network;
  } catch {
    return false;
  }
}
