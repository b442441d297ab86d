/** A file for what comes by a pipe and must be read from its end, or goes by a pipe and is written in no order. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { InputStream, OutputStream } from './invocation.js';

export interface Spool extends AsyncDisposable {
  readonly path: string;
  fill(from: InputStream, signal: AbortSignal): Promise<void>;
  drain(to: OutputStream, signal: AbortSignal): Promise<void>;
}

/** Images are large, and /tmp may lie in memory. */
export async function spool(what: string): Promise<Spool> {
  const folder = await mkdtemp(join(process.env['TMPDIR'] ?? '/var/tmp', `tsrun-${what}-`));
  const path = join(folder, 'image.tar');
  return {
    path,
    fill: (from, signal) => pipeline(from, createWriteStream(path, { mode: 0o600 }), { signal }),
    drain: (to, signal) => pipeline(createReadStream(path), to, { end: false, signal }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
