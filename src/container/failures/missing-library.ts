/**
 * Which shared library a program did not find. Its loader says so in a line among the program's own and ends with 127, as does a shell
 * that finds no command; what can be told apart is whether the program could be linked at all. Whatever cannot be read, is more than
 * is looked at, or depends on the loader, ends the search without an answer: a claim must be true.
 */
import { posix } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { elfKind, readElf, type ElfFile } from '../../image/elf.js';
import { cachedPaths } from '../../image/ld-cache.js';
import type { Process } from '../../spec/types.js';
import type { InnerFile, ReadInner } from './inner-files.js';
import { commonFolders, expand, isBuiltIn, listedFolders, loaderOf, localFolders, type Loader } from './library-folders.js';
import { startedPrograms } from './started-programs.js';

export interface MissingLibrary {
  readonly program: string;
  readonly library: string;
  /** The program, or a library of it. */
  readonly neededBy: string;
  /** A folder that holds it, but in which the loader does not look. */
  readonly liesIn: string | undefined;
}

const mostLibraries = 100;
const mostLibraryBytes = 64 * 2 ** 20;
const mostCacheBytes = 4 * 2 ** 20;
const mostBytes = 512 * 2 ** 20;
const mostLookups = 20_000;

export async function findMissingLibrary(process: Process, read: ReadInner): Promise<MissingLibrary | undefined> {
  const bounded = bound(read);
  try {
    for (const program of startedPrograms(process, bounded)) {
      const missing = await linkAll(program, process, bounded);
      if (missing !== undefined) return missing;
    }
  } catch {
    // Unreadable, or too much: nothing is known.
  }
  return undefined;
}

/** The image decides how much there is to look at, so that has an end. */
function bound(read: ReadInner): ReadInner {
  let [lookups, bytes] = [0, 0];
  return (path, limitBytes) => {
    if (++lookups > mostLookups || bytes > mostBytes) throw new Error('too much to look at');
    const file = read(path, limitBytes);
    bytes += file?.bytes.length ?? 0;
    return file;
  };
}

interface Loaded {
  readonly file: InnerFile;
  /** Undefined when it could not be understood, or is too large to be read whole. */
  readonly elf: ElfFile | undefined;
  /** Folders of those that needed it. */
  readonly inherited: readonly string[];
}

/** Breadth first, as the loader does it: a library that is there already under its name is not looked for again. */
async function linkAll(program: InnerFile, process: Process, read: ReadInner): Promise<MissingLibrary | undefined> {
  const elf = readElf(program.bytes);
  const loader = elf === undefined ? undefined : loaderOf(elf, read);
  if (loader === undefined) return undefined;
  const search = new Search({ program, process, loader, read });
  const present = new Set<string>();
  const queue: Loaded[] = [{ file: program, elf, inherited: [] }];
  for (const each of queue) {
    // What it would have brought along may be what others need.
    if (each.elf === undefined || queue.length > mostLibraries) return undefined;
    const { own, inherited } = search.foldersOf(each, each.elf);
    for (const library of each.elf.needed.filter((name) => !isBuiltIn(name, loader))) {
      if (present.has(library)) continue;
      await setImmediate();
      const file = search.find(library, each.file, own);
      if (file === undefined) return { program: program.path, library, neededBy: each.file.path, liesIn: search.unsearched(library) };
      const found = readElf(file.bytes);
      for (const name of [library, found?.soname]) if (name !== undefined) present.add(name);
      queue.push({ file, elf: found, inherited });
    }
  }
  return undefined;
}

interface SearchInput {
  readonly program: InnerFile;
  readonly process: Process;
  readonly loader: Loader;
  readonly read: ReadInner;
}

class Search {
  readonly #input: SearchInput;
  readonly #kind: string | undefined;
  readonly #cache: Buffer;
  readonly #common: readonly string[];

  constructor(input: SearchInput) {
    const { program, process: { env = [], cwd }, loader, read } = input;
    const fromEnvironment = env.filter((each) => each.startsWith('LD_LIBRARY_PATH=')).map((each) => each.slice('LD_LIBRARY_PATH='.length));
    this.#input = input;
    this.#kind = elfKind(program.bytes);
    this.#cache = read('/etc/ld.so.cache', mostCacheBytes)?.bytes ?? Buffer.alloc(0);
    this.#common = [...fromEnvironment.flatMap((list) => listedFolders(list, program, cwd)), ...commonFolders(loader, read)];
  }

  /** For what it needs itself, and for what its libraries need: DT_RPATH goes on to them, DT_RUNPATH only in musl. */
  foldersOf({ file, inherited }: Loaded, { rpath, runpath }: ElfFile): { readonly own: readonly string[]; readonly inherited: readonly string[] } {
    const { process: { cwd }, loader } = this.#input;
    const [old, own] = [listedFolders(rpath, file, cwd), listedFolders(runpath, file, cwd)];
    const passedOn = [...new Set([...inherited, ...old, ...(loader.isMusl ? own : [])])];
    return { own: [...new Set([...own, ...passedOn])], inherited: passedOn };
  }

  find(library: string, neededBy: InnerFile, folders: readonly string[]): InnerFile | undefined {
    const name = expand(library, posix.dirname(neededBy.realPath));
    if (name.includes('/')) return this.#first([posix.resolve(this.#input.process.cwd, name)]);
    const paths = [...folders, ...this.#common].map((folder) => posix.join(folder, name));
    return this.#first([...cachedPaths(this.#cache, name), ...paths]);
  }

  unsearched(library: string): string | undefined {
    return localFolders.find((folder) => !library.includes('/') && this.#first([posix.join(folder, library)]) !== undefined);
  }

  /** One for another machine is passed over. */
  #first(paths: readonly string[]): InnerFile | undefined {
    for (const path of paths) {
      const file = this.#input.read(path, mostLibraryBytes);
      const kind = file === null ? undefined : elfKind(file.bytes);
      if (file !== null && (kind === undefined || kind === this.#kind)) return file;
    }
    return undefined;
  }
}
