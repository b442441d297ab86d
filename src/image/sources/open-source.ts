/** What lies at a path, told by its content and never by its name, as images for the store. */
import { constants, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import { withoutFile } from '../checksum.js';
import { documentError } from '../documents/shapes.js';
import type { OfferedImage } from '../offer.js';
import { verifyChecksum, type CheckedFile } from './checksum.js';
import { isDockerArchive, listsImages, openDockerArchive } from './docker-archive.js';
import { openPlain, readFirst } from './expand.js';
import { openFolderTree } from './folder-tree.js';
import { isOciLayout, openOciLayout } from './oci-layout.js';
import { isSkopeoFolder, openSkopeoFolder } from './skopeo-folder.js';
import type { SourceOptions } from './source-options.js';
import { startsLikeTar } from './tar-walk.js';
import { isSlug, openSlug } from './slug.js';
import { openTemporaryFile, writeFrom } from './temporary-file.js';
import { openTarTree, type TarTree } from './tar-tree.js';

/** What a reference says of a path: skopeo's prefixes, a slug, or nothing. */
export type SourceForm = 'oci' | 'oci-archive' | 'docker-archive' | 'dir' | 'slug' | 'any';

export interface LocalSource {
  readonly form: SourceForm;
  readonly path: string;
}

/** What people take for images, by the bytes at the start. */
const others: readonly (readonly [magic: string, what: string])[] = [
  ['PK\x03\x04', 'a zip archive'], ['hsqs', 'a squashfs'], ['QFI\xfb', 'a disk of QEMU'], ['\x7fELF', 'a program'], ['#!', 'a script'], ['{', 'JSON'], ['!<arch>', 'a Debian package or library'],
];

/**
 * @param source its path is absolute, or relative to the working directory
 * @throws ERR_TSRUN_IMAGE, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED
 */
export async function openSource(source: LocalSource, options: SourceOptions): Promise<readonly OfferedImage[]> {
  return reading(quoted(source.path), options.signal, async () => {
    const status = await look(source.path);
    if (status.isDirectory()) return openFolder(source, options);
    if (status.isFile()) return openFileOf(source, options);
    // One that nobody writes to would keep who opens it for good, and a thread with it.
    if (status.isFIFO()) throw documentError(`${quoted(source.path)} is a pipe`, 'load reads one to its end where it is standard input: … | tsrun load');
    throw documentError(`${quoted(source.path)} is neither a file nor a folder`, 'name an image');
  });
}

/**
 * What comes by a stream, which is read to its end: an archive names its images there.
 *
 * @param name names the stream in errors
 * @param onRead how many bytes have come so far, and at the end whether all have
 * @throws as `openSource`; also ERR_TSRUN_INVALID_ARGUMENT for a stream of anything but bytes
 */
export async function openStream(stream: NodeJS.ReadableStream, name: string, options: SourceOptions, onRead: (bytes: number, isAll: boolean) => void = () => undefined): Promise<readonly OfferedImage[]> {
  return reading(name, options.signal, async () => {
    const handle = await openTemporaryFile(options.temporaryFolder);
    try {
      await pipeline(stream, (pieces: AsyncIterable<unknown>) => writeFrom(bytesOf(pieces, name, onRead), handle, options.temporaryFolder), { signal: options.signal });
    } catch (error) {
      await handle.close();
      throw error;
    }
    return openArchive({ handle, name }, 'any', options);
  });
}

async function* bytesOf(pieces: AsyncIterable<unknown>, name: string, onRead: (bytes: number, isAll: boolean) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of pieces) {
    if (!(piece instanceof Uint8Array)) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `${name} gives a ${typeof piece}, not bytes`, { hint: 'leave its encoding as it is' });
    yield piece;
    bytes += piece.length;
    onRead(bytes, false);
  }
  onRead(bytes, true);
}

async function reading<Result>(name: string, signal: AbortSignal | undefined, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (TsrunError.is(cause)) throw cause;
    if (signal?.aborted !== true) throw errnoName(cause) === undefined ? cause : unread(name, cause);
    throw new TsrunError('ERR_TSRUN_ABORTED', `reading ${name} was aborted`, { cause: signal.reason });
  }
}

function quoted(path: string): string {
  return `'${printable(path, 400)}'`;
}

async function openFolder({ form, path }: LocalSource, options: SourceOptions): Promise<readonly OfferedImage[]> {
  if (options.checksum !== undefined) throw withoutFile(path);
  const [layout, closed] = await Promise.all([openFolderTree(path, { leavesFolder: true }), openFolderTree(path, { leavesFolder: false })]);
  if (form === 'oci' || form === 'oci-archive') return openOciLayout(layout, options);
  if (form === 'docker-archive') return openDockerArchive(closed, options);
  if (form === 'dir') return openSkopeoFolder(layout, options);
  if (form === 'slug') throw documentError(`${quoted(path)} is a folder, not a slug`, 'a slug is a tar archive, mostly packed by gzip');
  if (await isOciLayout(layout)) return openOciLayout(layout, options);
  if (await isSkopeoFolder(layout)) return openSkopeoFolder(layout, options);
  if (await isDockerArchive(closed)) return openDockerArchive(closed, options);
  throw documentError(`the folder ${quoted(path)} holds no image: looked for oci-layout, manifest.json and skopeo's version file`, 'name the folder that holds them');
}

async function openFileOf({ form, path }: LocalSource, options: SourceOptions): Promise<readonly OfferedImage[]> {
  const name = quoted(path);
  if (form === 'dir') throw documentError(`${name} is a file, not a folder as skopeo's 'dir:' has it`, `name it ${printable(path, 200)}, without the prefix`);
  return openArchive({ handle: await openFile(path), path, name }, form, options);
}

/** Takes the file's handle. */
async function openArchive(file: CheckedFile, form: SourceForm, options: SourceOptions): Promise<readonly OfferedImage[]> {
  const { name } = file;
  const checkUnchanged = await verified(file, options);
  const plain = await openPlain(file.handle, name, options);
  if (!(await startsLikeTar(plain))) throw await notAnArchive(plain, name);
  const tree = await openTarTree(plain, name, options.signal);
  try {
    const images = await openTar(form, tree, options);
    // From here on whatever is read is compared with digests that were read before.
    await checkUnchanged();
    return images;
  } catch (error) {
    await tree.close();
    throw error;
  }
}

/** For who has read it before. @throws as `openSource` */
export async function verifyFile(path: string, checksum: string, signal: AbortSignal | undefined): Promise<void> {
  return reading(quoted(path), signal, async () => {
    const status = await look(path);
    if (!status.isFile()) throw withoutFile(path);
    const handle = await openFile(path);
    try {
      const checkUnchanged = await verifyChecksum({ handle, path, name: quoted(path) }, checksum, signal);
      await checkUnchanged();
    } finally {
      await handle.close();
    }
  });
}

async function verified(file: CheckedFile, { checksum, signal }: SourceOptions): Promise<() => Promise<void>> {
  if (checksum === undefined) return () => Promise.resolve();
  try {
    return await verifyChecksum(file, checksum, signal);
  } catch (error) {
    await file.handle.close();
    throw error;
  }
}

async function openTar(form: SourceForm, tree: TarTree, options: SourceOptions): Promise<readonly OfferedImage[]> {
  if (form === 'oci' || form === 'oci-archive') return openOciLayout(tree, options);
  if (form === 'docker-archive') return openDockerArchive(tree, options);
  if (form === 'slug') {
    await refuseImages(tree);
    return openSlug(tree, options);
  }
  // From version 25 on, `docker save` writes both at once; a layout has its manifest as it was pushed or will be.
  if (await isOciLayout(tree)) return openOciLayout(tree, options);
  if (await isDockerArchive(tree)) return openDockerArchive(tree, options);
  if (isSlug(tree)) return openSlug(tree, options);
  throw notRecognised(tree);
}

/** An app may well have a manifest.json of its own at its top: that of an archive is a list. */
async function refuseImages(tree: TarTree): Promise<void> {
  if (isSlug(tree)) return;
  const prefix = (await isOciLayout(tree)) ? 'oci-archive' : (await listsImages(tree)) ? 'docker-archive' : undefined;
  if (prefix !== undefined) throw documentError(`${tree.name} is no slug: it holds images, as ${prefix === 'oci-archive' ? 'an OCI image layout' : 'docker save writes them'}`, `name it ${prefix}:PATH`);
}

function notRecognised({ name, byPlace }: TarTree): Error {
  const isRoot = ['etc/passwd', 'etc/os-release', 'bin/sh', 'bin'].some((place) => byPlace.has(place));
  const hint = isRoot ? 'it looks like a root file system: unpack it into a folder, with tar -xpf, and name that' : 'make one with docker save, podman save or skopeo copy';
  return documentError(`the archive ${name} holds no image: looked for oci-layout, for manifest.json, and for a slug's ./app or Procfile`, hint);
}

async function notAnArchive(handle: FileHandle, name: string): Promise<Error> {
  const start = (await readFirst(handle, 16)).toString('latin1');
  await handle.close();
  const what = others.find(([magic]) => start.startsWith(magic))?.[1];
  const state = start === '' ? 'is an empty file' : (what === undefined ? 'is a file that is no image' : `is ${what}, not an image`);
  return documentError(`${name} ${state}: looked for a tar archive, plain or packed by gzip, zstd, xz or bzip2`, 'make one with docker save, podman save or skopeo copy');
}

async function look(path: string): Promise<Stats> {
  return stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

/** Not blocked by a FIFO that came in between. */
async function openFile(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

function unread(name: string, cause: unknown): Error {
  return documentError(`${name} cannot be read: ${errnoName(cause) ?? ''}`, 'the disk or the connection that it lies behind does not give it: see dmesg', cause);
}

function unreadable(path: string, cause: unknown): Error {
  const errno = errnoName(cause) ?? String(cause);
  const what = errno === 'ENOENT' || errno === 'ENOTDIR' ? 'does not exist' : `cannot be read: ${errno}`;
  return documentError(`image ${quoted(path)} ${what}`, errno === 'EACCES' ? 'run as its owner, or let it be read' : 'check the path', cause);
}
