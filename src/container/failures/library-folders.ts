/** Where a dynamic linker looks for libraries (ld.so(8)): rather a folder too many, since what is not found is told of. */
import { posix } from 'node:path';
import type { ElfFile } from '../../image/elf.js';
import type { InnerFile, ReadInner } from './inner-files.js';

const multiarch = ['x86_64-linux-gnu', 'aarch64-linux-gnu'] as const;
const usualFolders = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', ...multiarch.flatMap((name) => [`/lib/${name}`, `/usr/lib/${name}`])];
/** glibc takes those of its processor from below each folder. */
const capabilityFolders = ['', ...['v4', 'v3', 'v2'].map((level) => `glibc-hwcaps/x86-64-${level}`)];
/** musl's loader looks here unasked; glibc's only where ldconfig(8) has been. */
export const localFolders = ['/usr/local/lib', '/usr/local/lib64'] as const;
const mostListed = 100;
const mostOfMuslPath = 65_536;

export interface Loader {
  readonly path: string;
  /** It is musl's, or may be: musl can stand in under glibc's name (gcompat). */
  readonly isMusl: boolean;
}

/** Undefined for one of which it is not known where it looks. */
export function loaderOf({ interpreter = '' }: ElfFile, read: ReadInner): Loader | undefined {
  if (!/^ld-(?:linux|musl|\d)/.test(posix.basename(interpreter))) return undefined;
  const isMusl = interpreter.includes('/ld-musl') || ['x86_64', 'aarch64'].some((arch) => read(`/lib/ld-musl-${arch}.so.1`, 1) !== null);
  return { path: interpreter, isMusl };
}

/** What is there before any file is looked for: the loader itself and the vdso(7); in musl all that is the C library's (ldso/dynlink.c). */
export function isBuiltIn(name: string, { isMusl }: Loader): boolean {
  return /^(?:ld|linux)-/.test(name) || (isMusl && /^lib(?:c|pthread|rt|m|dl|util|xnet)\./.test(name));
}

/** Those that hold for every library. */
export function commonFolders(loader: Loader, read: ReadInner): readonly string[] {
  const own = [...usualFolders, posix.dirname(loader.path)];
  return (loader.isMusl ? [...own, ...localFolders, ...muslFolders(read)] : own).flatMap(withCapabilities);
}

function muslFolders(read: ReadInner): string[] {
  const files = ['x86_64', 'aarch64'].map((arch) => read(`/etc/ld-musl-${arch}.path`, mostOfMuslPath)?.bytes.toString() ?? '');
  return files.flatMap((text) => text.split(/[\n:]/)).filter((folder) => folder.startsWith('/')).slice(0, mostListed);
}

/**
 * Folders of a list as it stands in a file or in LD_LIBRARY_PATH, of which an empty one is the working directory.
 *
 * @throws Error where it cannot be told which they are
 */
export function listedFolders(list: string | undefined, { path, realPath }: Pick<InnerFile, 'path' | 'realPath'>, cwd: string): readonly string[] {
  if (list === undefined) return [];
  const folders = list.split(/[:;]/);
  if (folders.length > mostListed) throw new Error('too many folders');
  const origins = [...new Set([posix.dirname(path), posix.dirname(realPath)])];
  return folders.flatMap((folder) => origins.map((origin) => expand(folder, origin))).map((folder) => posix.resolve(cwd, folder)).flatMap(withCapabilities);
}

/** $LIB and $PLATFORM are as the loader was built. */
export function expand(text: string, origin: string): string {
  const parts = text.split(/\$(?:ORIGIN\b|\{ORIGIN\})/);
  if (parts.some((part) => part.includes('$'))) throw new Error(`'${text}' depends on the loader`);
  return parts.join(origin);
}

function withCapabilities(folder: string): string[] {
  return capabilityFolders.map((below) => posix.join(folder, below));
}
