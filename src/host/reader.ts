/** The few ways in which this folder looks at the host, behind one interface so that tests can invent a host. */
import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';
import { errnoName } from '../spec/errno.js';

/** What reads the host's files. */
export interface HostReader {
  /** The file's text, or undefined when it is missing or cannot be read. */
  read(path: string): string | undefined;
  /** A whole file; undefined where it cannot be read. */
  readBytes(path: string): Uint8Array | undefined;
  /** The file system's magic number (statfs(2) `f_type`), or undefined when the path is missing. */
  fsType(path: string): number | undefined;
  /** Whether there is something at a path, links followed. */
  exists(path: string): boolean;
  /** By the effective ids and on a mount that is not read-only. */
  writable(path: string): boolean;
}

export const systemReader: HostReader = {
  read: (path) => attempt(() => readFileSync(path, 'utf8')),
  readBytes: (path) => attempt(() => readFileSync(path)),
  fsType: (path) => attempt(() => statfsSync(path).type),
  exists: (path) => allows(path, constants.F_OK),
  writable: (path) => allows(path, constants.W_OK),
};

/** First integer of a one-line file such as a sysctl. */
export function readInteger(reader: HostReader, path: string): number | undefined {
  const text = reader.read(path)?.trim();
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** These say something of this process or of a device, not of what is looked for: to go on would be to take what is there for missing. */
const elsewhere: ReadonlySet<string> = new Set(['EINTR', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM']);

function allows(path: string, mode: number): boolean {
  return attempt(() => (accessSync(path, mode), true)) ?? false;
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (elsewhere.has(errnoName(error) ?? '')) throw error;
    return undefined;
  }
}
