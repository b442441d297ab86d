/** The few ways in which this folder looks at the host, behind one interface so that tests can invent a host. */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';

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
  exists: (path) => existsSync(path),
  writable: (path) => attempt(() => (accessSync(path, constants.W_OK), true)) ?? false,
};

/** First integer of a one-line file such as a sysctl. */
export function readInteger(reader: HostReader, path: string): number | undefined {
  const text = reader.read(path)?.trim();
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
