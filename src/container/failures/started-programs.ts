/** Which binaries the kernel and then `env` start for a command: what is a script is started as its interpreter (execve(2)). */
import { posix } from 'node:path';
import { programPaths } from '../../plan/compile-process.js';
import type { Process } from '../../spec/types.js';
import type { InnerFile, ReadInner } from './inner-files.js';

/** The kernel goes no deeper, and reads no longer lines (BINPRM_BUF_SIZE). */
const mostScripts = 5;
const longestLine = 256;
/** Node itself has more than 100 MiB. */
const mostBytes = 192 * 2 ** 20;

export function* startedPrograms(process: Process, read: ReadInner): Generator<InnerFile> {
  const find = (paths: readonly string[]) => firstFile(paths.map((path) => posix.resolve(process.cwd, path)), read);
  let file = find(programPaths(process));
  for (let depth = 0; file !== null && depth < mostScripts; depth++) {
    const line = interpreterLine(file.bytes);
    if (line === undefined) {
      yield file;
      return;
    }
    file = find([line.path]);
    if (file === null || !isNamedThroughEnv(line)) continue;
    yield file;
    file = find(programPaths({ ...process, args: [line.argument] }));
  }
}

function firstFile(paths: readonly string[], read: ReadInner): InnerFile | null {
  for (const path of paths) {
    const file = read(path, mostBytes);
    if (file !== null) return file;
  }
  return null;
}

interface InterpreterLine {
  readonly path: string;
  readonly argument: string;
}

function interpreterLine(bytes: Buffer): InterpreterLine | undefined {
  const [line = ''] = bytes.toString('utf8', 0, longestLine).split('\n');
  const [, path, argument = ''] = /^#![ \t]*(\S+)[ \t]*(.*?)\s*$/.exec(line) ?? [];
  return path === undefined ? undefined : { path, argument };
}

/** `#!/usr/bin/env python3`; not with options, nor with variables that change where it looks. */
function isNamedThroughEnv({ path, argument }: InterpreterLine): boolean {
  return posix.basename(path) === 'env' && /^[^-=\s][^=\s]*$/.test(argument);
}
