/**
 * Which TCP ports a dyno listens on, as the kernel tells it (proc(5), /proc/net/tcp), in the network namespace of its first process. Nothing
 * is connected to: an application would see that.
 */
import { open } from 'node:fs/promises';

/** A socket that takes connections. */
export interface Listener {
  /** TCP. */
  readonly port: number;
  /** Only the dyno itself reaches it. */
  readonly isLoopback: boolean;
}

/** A dyno may hold many sockets; a thousand lines are enough to find one that listens. */
const mostBytes = 200_000;
const listening = '0A';

/** One whose owner can be found. */
export interface SocketListener extends Listener {
  readonly inode: string;
}

/** Of the text of /proc/net/tcp or tcp6. */
export function parseListeners(text: string): readonly SocketListener[] {
  return text.split('\n').slice(1).flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    return state === listening && port !== '' ? [{ port: Number.parseInt(port, 16), isLoopback: isLoopback(address), inode }] : [];
  });
}

/** 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/8; words of four bytes each, in the order of this machine, which is little endian. */
function isLoopback(address: string): boolean {
  return /^[\dA-F]{6}7F$/.test(address) || address === '00000000000000000000000001000000' || /^0{16}FFFF0000[\dA-F]{6}7F$/.test(address);
}

/** The same of an address of four or 16 bytes. */
export function isLoopbackAddress(address: Uint8Array): boolean {
  const bytes = Buffer.from(address);
  const mapped = bytes.toString('hex', 0, 12) === '00000000000000000000ffff';
  if (bytes.length === 4 || mapped) return bytes.at(-4) === 127;
  return bytes.equals(Buffer.from('00000000000000000000000000000001', 'hex'));
}

/** Of the whole network that the process is in; empty where it is gone. */
export async function readListeners(pid: number): Promise<readonly SocketListener[]> {
  const texts = await Promise.all(['tcp', 'tcp6'].map(async (name) => readBeginning(`/proc/${pid}/net/${name}`)));
  return texts.flatMap(parseListeners);
}

async function readBeginning(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined);
  let text = '';
  try {
    // procfs gives a page at a time.
    for await (const piece of file?.createReadStream({ end: mostBytes, encoding: 'latin1' }) ?? []) text += String(piece);
  } catch {
    // The process has ended.
  }
  return text;
}

/** What listens in the place of a port that shall be bound: another one, or that one where nobody but the dyno reaches it. */
export interface BadBind {
  /** That it listens on. */
  readonly port: number;
  /** Only the dyno itself reaches it. */
  readonly isLoopback: boolean;
  /** Its `PORT`. */
  readonly wantedPort: number;
}

/** What is wrong with what listens; undefined: nothing listens, or nothing is wrong. Who binds its port on the loopback address means it; others come next, those first that are reached. */
export function badBind(listeners: readonly Listener[], port: number): BadBind | undefined {
  if (isBound(listeners, port)) return undefined;
  const found = listeners.find((each) => each.port === port) ?? listeners.find(({ isLoopback: isInner }) => !isInner) ?? listeners[0];
  return found === undefined ? undefined : { port: found.port, isLoopback: found.isLoopback, wantedPort: port };
}

/** The exact line where Heroku had one (R11), else one like it. */
export function badBindLine({ port, wantedPort }: BadBind): string {
  return port === wantedPort
    ? `Error R11 (Bad bind) -> Process bound to port ${port} on the loopback address only, should be 0.0.0.0 or [::]`
    : `Error R11 (Bad bind) -> Process bound to port ${port}, should be ${wantedPort} (see environment variable PORT)`;
}

/** Reachable from outside. */
export function isBound(listeners: readonly Listener[], port: number): boolean {
  return listeners.some((each) => each.port === port && !each.isLoopback);
}
