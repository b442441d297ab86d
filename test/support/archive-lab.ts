/** Archives that are unpacked by the program under test, each into a folder of its own. */
import { closeSync, mkdirSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Archiver } from '../../src/container/archiver/archiver.js';
import type { UnpackReport, UnpackRequest } from '../../src/image/unpack.js';
import { bareArchiver } from './bare-archiver.js';
import { failure } from './failure.js';
import type { Lab } from './lab.js';

export interface Unpacked {
  readonly report: UnpackReport;
  readonly folder: string;
}

export const someLimits = { bytes: 2 ** 30, entries: 100_000, ratio: 1000 };

/** Where extended attributes of every kind can be kept; in memory, since nothing of it is looked at after a crash. */
export function freshFolder(lab: Lab): string {
  return mkdtempSync(join(lab.scratch, 'layer-'));
}

let bare: Promise<Archiver> | undefined;

/** The runtime's; or, without walls, over the build that `TSRUN_TEST_ARCHIVE` names (`npm run test:sanitizers`). */
export async function archiverOf(lab: Lab): Promise<Archiver> {
  const program = process.env['TSRUN_TEST_ARCHIVE'];
  if (program === undefined) return (await lab.runtime()).archiver();
  bare ??= bareArchiver(program);
  return bare;
}

/** What the archive (its bytes, or its path) makes of an empty folder. */
export async function unpack(lab: Lab, archive: Buffer | string, request: Partial<UnpackRequest> = {}): Promise<Unpacked> {
  const archiver = await archiverOf(lab);
  const folder = request.destination ?? freshFolder(lab);
  const fd = typeof archive === 'string' ? openSync(archive, 'r') : undefined;
  try {
    const source = fd ?? Readable.from(typeof archive === 'string' ? [] : [archive]);
    const report = await archiver.unpack({ source, destination: folder, limits: someLimits, ...request });
    return { report, folder };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The error with which it is refused, as code and message; or what it said it had done. */
export async function refusal(lab: Lab, archive: Buffer | string, request: Partial<UnpackRequest> = {}): Promise<string> {
  return failure(unpack(lab, archive, request).then(({ report }) => report));
}

export function writeArchive(lab: Lab, name: string, bytes: Buffer): string {
  const folder = join(lab.scratch, 'archives');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}
