/**
 * Compiled filters of tsrun's own seccomp profiles, kept in the state root: a command that runs one container would spend
 * a tenth of its time on compiling one. Like everything there they are for the owner alone to write.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FilterStore } from '../../engine/seccomp.js';
import { systemReader } from '../../host/reader.js';
import { randomDigits } from './random.js';

/** Each set of capabilities has one; somebody who tries them all must not fill the memory that the state root lies in. */
const mostFilters = 64;
const instructionBytes = 8;
/** BPF_MAXINSNS: the kernel takes no more. */
const mostBytes = 4096 * instructionBytes;

/** @param compilerPath the addon, which compiles them: those of another build are not used */
export function filterStore(folder: string, compilerPath: string): FilterStore {
  const { size, mtimeMs } = statSync(compilerPath);
  const pathOf = (name: string) => join(folder, `${name}-${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}`);
  return {
    read(name) {
      const filter = systemReader.readBytes(pathOf(name));
      return filter !== undefined && isFilter(filter) ? filter : undefined;
    },
    write(name, filter) {
      try {
        keep(folder, pathOf(name), filter);
      } catch {
        // Without room for it the next process compiles it again.
      }
    },
  };
}

function isFilter({ length }: Uint8Array): boolean {
  return length > 0 && length <= mostBytes && length % instructionBytes === 0;
}

/** Whole or not at all. */
function keep(folder: string, path: string, filter: Uint8Array): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (readdirSync(folder).length >= mostFilters) return;
  const temporary = join(folder, `.${randomDigits(8)}`);
  try {
    writeFileSync(temporary, filter, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
