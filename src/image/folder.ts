/** What a folder that a person gives as an image is: an unpacked root file system, an OCI bundle, or images that are to be unpacked. */

import { accessSync, constants, lstatSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { opendir } from '../host/files.js';
import { workingDirectory } from '../host/working-directory.js';
import { descriptorHint, errnoName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';
import { printable } from '../spec/quote.js';
import { readBundle } from './bundle.js';
import type { ResolvedImage } from './resolved-image.js';

/** Folders of which every distribution's root has some. */
const usualFolders = ['bin', 'etc', 'lib', 'sbin', 'usr'];
const mostLookedAt = 2000;
const deepestLookedAt = 3;

export interface ImageChoices {
  /** What the folder must be, where the caller knows: then nothing in it can make it something else. */
  readonly kind?: 'rootfs' | 'bundle';
}

/** Images in a folder, by skopeo's names of the forms. */
export interface PackedFolder {
  readonly kind: 'packed';
  readonly form: 'oci' | 'docker-archive' | 'dir';
  /** Absolute, without links. */
  readonly path: string;
}

const formNames: Readonly<Record<PackedFolder['form'], string>> = { oci: 'an OCI image layout', 'docker-archive': 'an unpacked docker-archive', dir: "a folder of skopeo's" };

/**
 * A folder that looks like a root file system is one, whatever else lies in it: an image that brings a config.json must
 * not turn itself into a bundle, which chooses its own walls.
 *
 * @throws ERR_TSRUN_IMAGE; for a bundle's config.json also ERR_TSRUN_INVALID_SPEC
 */
export async function examineFolder(path: string, { kind }: ImageChoices = {}): Promise<ResolvedImage | PackedFolder> {
  const folder = realFolder(path);
  const name = basename(folder) || '/';
  const rootfs = { kind: 'rootfs', rootPath: folder, name } as const;
  if (kind === 'rootfs') return rootfs;
  if (kind === 'bundle') return { kind, ...(await readBundle(folder, name)), name };
  if (hasUsualFolder(folder)) return rootfs;
  if (exists(join(folder, 'config.json'))) return { kind: 'bundle', ...(await readBundle(folder, name)), name };
  const form = packedForm(folder);
  if (form !== undefined) return { kind: 'packed', form, path: folder };
  if (await holdsProgram(folder)) return rootfs;
  throw await notAnImage(path, folder);
}

/** The same where images that are to be unpacked will not do. */
export async function resolveImage(path: string, choices: ImageChoices = {}): Promise<ResolvedImage> {
  const found = await examineFolder(path, choices);
  if (found.kind !== 'packed') return found;
  throw imageError(`'${printable(path, 400)}' is ${formNames[found.form]}, not the folder of a root file system`, `import it, as ${found.form}:${printable(path, 200)}`);
}

function packedForm(folder: string): PackedFolder['form'] | undefined {
  if (exists(join(folder, 'oci-layout'))) return 'oci';
  if (!exists(join(folder, 'manifest.json'))) return undefined;
  return exists(join(folder, 'version')) ? 'dir' : 'docker-archive';
}

function realFolder(path: string): string {
  if (path === '' || path.includes('\0')) {
    throw imageError(path === '' ? 'the path of the image is empty' : `the path of the image '${printable(path)}' holds a NUL`, 'name a folder');
  }
  try {
    // Not by way of the thread pool, of which the first use makes threads: that takes longer than to look.
    const folder = realpathSync.native(path);
    if (!statSync(folder).isDirectory()) throw notAFolder(path);
    accessSync(folder, constants.R_OK | constants.X_OK);
    return folder;
  } catch (cause) {
    throw TsrunError.is(cause) ? cause : unreachable(path, cause);
  }
}

function unreachable(path: string, cause: unknown): TsrunError {
  const shown = printable(path, 400);
  const errno = errnoName(cause);
  const wanting = descriptorHint(errno);
  if (wanting !== undefined) return new TsrunError('ERR_TSRUN_HOST', `image '${shown}' cannot be opened: no descriptor is left (${errno})`, { hint: wanting, cause });
  switch (errno) {
    case 'ENOENT':
      return imageError(`image '${shown}' does not exist`, missingHint(path), cause);
    case 'ENOTDIR':
      return imageError(`image '${shown}' does not exist: a part of the path is a file, not a folder`, 'check the path', cause);
    case 'EACCES':
      return imageError(`image '${shown}' cannot be read: permission denied`, 'run as its owner, or let the folder be read and searched', cause);
    case 'ELOOP':
      return imageError(`image '${shown}' is a symbolic link that leads to itself`, 'name the folder itself', cause);
    default:
      return imageError(`image '${shown}' cannot be opened: ${errno ?? String(cause)}`, 'name a folder', cause);
  }
}

function missingHint(path: string): string {
  const parent = dirname(isAbsolute(path) ? path : resolve(workingDirectory(), path));
  return exists(parent) ? `there is no such entry in '${printable(parent, 400)}'` : `'${printable(parent, 400)}' does not exist either`;
}

function notAFolder(path: string): TsrunError {
  return imageError(`image '${printable(path, 400)}' is a file, not a folder`, 'name the folder of a root file system or of an OCI bundle');
}

async function notAnImage(path: string, folder: string): Promise<TsrunError> {
  const looked = `looked for config.json, oci-layout and manifest.json, for ${usualFolders.map((name) => `/${name}`).join(', ')} and for an executable file`;
  const isEmpty = await holdsNothing(folder).catch((cause: unknown) => cause);
  if (typeof isEmpty !== 'boolean') return unreachable(path, isEmpty);
  const state = isEmpty ? 'is an empty folder' : 'is neither a root file system nor an OCI bundle nor a folder of images';
  const inner = isEmpty ? undefined : await innerRoot(folder);
  const hint = inner === undefined ? 'name the folder that holds the unpacked files of the image' : `did you mean '${printable(join(path, inner), 400)}'?`;
  return imageError(`image '${printable(path, 400)}' ${state}: ${looked}`, hint);
}

/** A folder that holds nothing but a root file system, one level too high. */
async function innerRoot(folder: string): Promise<string | undefined> {
  for (const name of await list(folder, 100)) {
    if (hasUsualFolder(join(folder, name))) return name;
  }
  return undefined;
}

function hasUsualFolder(folder: string): boolean {
  return usualFolders.some((name) => {
    const status = look(join(folder, name));
    return status !== undefined && (status.isDirectory() || status.isSymbolicLink());
  });
}

/** Images made from nothing hold a single static program, at any place. */
async function holdsProgram(folder: string): Promise<boolean> {
  let left = mostLookedAt;
  const search = async (at: string, depth: number): Promise<boolean> => {
    const below: string[] = [];
    for (const name of await list(at, left)) {
      left--;
      const path = join(at, name);
      const status = look(path);
      if (status?.isFile() === true && (status.mode & 0o111) !== 0) return true;
      if (status?.isDirectory() === true && depth < deepestLookedAt) below.push(path);
    }
    for (const path of below) if (await search(path, depth + 1)) return true;
    return false;
  };
  return search(folder, 1);
}

async function list(folder: string, most: number): Promise<string[]> {
  const names: string[] = [];
  if (most <= 0) return names;
  try {
    // Entry by entry: a folder may hold millions.
    for await (const entry of await opendir(folder)) {
      names.push(entry.name);
      if (names.length >= most) break;
    }
  } catch {
    // What can be opened need not let itself be read: much of /proc. What was found so far counts.
  }
  return names.sort();
}

async function holdsNothing(folder: string): Promise<boolean> {
  const entries = await opendir(folder);
  try {
    return (await entries.read()) === null;
  } finally {
    await entries.close();
  }
}

function exists(path: string): boolean {
  return look(path) !== undefined;
}

/** Never through a link: those of an image are meant for inside it, and lead anywhere here. */
function look(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function imageError(message: string, hint: string, cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_IMAGE', message, { hint, cause });
}
