/**
 * Copies between a container and the host. What is at either end is packed and unpacked by the archiver, confined to that end: on the
 * host to the one folder that is copied, or copied into. This process follows no link and opens no file of a container's.
 */
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TsrunError } from '../../spec/errors.js';
import type { Archiver, Packed } from '../archiver/archiver.js';
import type { ContainerTree } from '../container-tree.js';
import { containerDestination, containerSource } from './container-end.js';
import type { Copied, CopyOptions } from './copy-options.js';
import { refusal, targetOf } from './copy-rules.js';
import type { DestinationEnd, SourceEnd, Spot } from './ends.js';
import { hostDestination, hostSource } from './host-end.js';

export interface CopySurroundings {
  readonly archiver: Archiver;
  readonly tree: ContainerTree;
  /** Whose what is copied out becomes, in the launcher's ids. */
  readonly caller: Owner;
  readonly options: CopyOptions;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const root: Owner = { uid: 0, gid: 0 };
/** The caller's own files, or what a container has room for. */
const noLimits = { bytes: Number.MAX_SAFE_INTEGER, entries: Number.MAX_SAFE_INTEGER, ratio: Number.MAX_SAFE_INTEGER };

export async function copyIn(surroundings: CopySurroundings, source: string | Readable, destination: string): Promise<Copied> {
  const { archiver, tree, options: { followLink = false, signal } } = surroundings;
  hearErrors(source);
  const given = typeof source === 'string' ? await hostSource(source, followLink) : source;
  const end = await containerDestination({ archiver, tree, text: destination, signal });
  if ('place' in given) return transfer(surroundings, given, end, { owner: root, dropPrivileges: false });
  if (end.kind !== 'folder') throw refusal(`an archive is unpacked into a folder, and '${end.shown}' in the container '${tree.record.id}' is none`, 'make the folder first');
  return unpack(surroundings, end.into, given, { owner: root, dropPrivileges: false });
}

export async function copyOut(surroundings: CopySurroundings, source: string, destination: string | Writable): Promise<Copied> {
  const { archiver, tree, caller, options: { followLink = false, signal } } = surroundings;
  hearErrors(destination);
  const given = await containerSource({ archiver, tree, text: source, signal }, followLink);
  if (typeof destination !== 'string') return write(surroundings, given, destination);
  return transfer(surroundings, given, await hostDestination(destination), { owner: caller, dropPrivileges: true });
}

/** A stream may fail before anybody uses it, which is told when somebody does, and must not end this process. */
function hearErrors(stream: string | Readable | Writable): void {
  if (typeof stream !== 'string') stream.on('error', () => undefined);
}

interface Becoming {
  readonly owner: Owner;
  readonly dropPrivileges: boolean;
}

async function transfer(surroundings: CopySurroundings, source: SourceEnd, destination: DestinationEnd, becoming: Becoming): Promise<Copied> {
  const target = targetOf(source, destination);
  const [spot, name] = target.way === 'into' ? [destination.into, target.name] : [destination.as, destination.as.name];
  const packed = await pack(surroundings, source, name);
  return bothOf(packed.done, unpack(surroundings, spot, readable(packed), becoming));
}

async function pack({ archiver, options: { signal } }: CopySurroundings, { place, path, follow }: SourceEnd, name: string): Promise<Packed> {
  return archiver.pack({ place, path, follow, name, mounts: true, isCopy: true, signal });
}

async function unpack({ archiver, options: { archive = false, signal, onProgress } }: CopySurroundings, { place, path }: Spot, source: Readable, becoming: Becoming): Promise<Copied> {
  const { owner, dropPrivileges } = becoming;
  const { entries, unpackedBytes } = await archiver.unpackFiles({
    place, path, source, limits: noLimits, isCopy: true, signal, onProgress, ...(!archive && { owner, dropPrivileges }),
  });
  return { entries, bytes: unpackedBytes };
}

/** As it is, with the owners that it has in the container. A folder's contents lie below `.` then, as tar(1) has it. */
async function write(surroundings: CopySurroundings, source: SourceEnd, destination: Writable): Promise<Copied> {
  const { options: { signal, onProgress } } = surroundings;
  const packed = await pack(surroundings, source, source.isContents || source.name === '' ? '.' : source.name);
  let bytes = 0;
  const stream = readable(packed).on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    onProgress?.(bytes);
  });
  const written = pipeline(stream, destination, signal === undefined ? {} : { signal });
  await bothOf(packed.done, written).catch((error: unknown) => {
    if (signal?.aborted !== true || TsrunError.is(error)) throw error;
    throw new TsrunError('ERR_TSRUN_ABORTED', 'the copy was aborted', { cause: signal.reason });
  });
  return { entries: await packed.entries, bytes };
}

/** Of two that fail one has made the other fail: a packer that finds nobody to write to was not the first. */
async function bothOf<T>(packed: Promise<void>, taken: Promise<T>): Promise<T> {
  const [before, after] = await Promise.allSettled([packed, taken]);
  if (before.status === 'rejected' && !(after.status === 'rejected' && isWithoutReader(before.reason))) throw before.reason;
  if (after.status === 'rejected') throw after.reason;
  return after.value;
}

function isWithoutReader(error: unknown): boolean {
  return TsrunError.is(error) && /: EPIPE$|ended by SIGPIPE$/.test(error.message);
}

function readable({ stream }: Packed): Readable {
  if (stream === null) throw new TsrunError('ERR_TSRUN_COPY', 'the archive goes nowhere');
  return stream;
}
