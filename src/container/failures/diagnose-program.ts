/** Why a program could not be executed: execve says ENOENT for a missing program and for a missing interpreter alike. */
import { elfInterpreter } from '../../image/elf.js';
import type { StepExecute } from '../../plan/wire.generated.js';
import type { ErrorCode } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import type { FailureContext } from './failure.js';

export interface ProgramDiagnosis {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

const headBytes = 4096;

export function diagnoseProgram(step: StepExecute, errno: string, { readInRoot }: FailureContext): ProgramDiagnosis {
  const program = step.arguments[0] ?? '';
  const found = step.paths.map((path) => ({ path, head: readHead(readInRoot, path) })).find(({ head }) => head !== null);
  if (errno === 'ENOENT' && found?.head instanceof Buffer) return missingInterpreter({ program: found.path, path: found.path, head: found.head, depth: 1 }, (path) => readHead(readInRoot, path));
  if (errno === 'ENOENT' || errno === 'ENOTDIR') {
    const looked = program.includes('/') ? 'there is no such file in the image' : `it is in none of ${folders(step.paths)}`;
    return {
      code: 'ERR_TSRUN_COMMAND_NOT_FOUND',
      message: `the program '${program}' was not found: ${looked}`,
      hint: missingHint(program),
    };
  }
  if (errno === 'ELOOP' && found?.head?.toString('latin1', 0, 2) === '#!') return tooManyInterpreters(program);
  const reasons: Readonly<Record<string, readonly [string, string]>> = {
    EACCES: ['it is not an executable file, or a folder on the way may not be entered by this user', 'chmod +x it in the image, or choose another user with -u'],
    ENOEXEC: ['it is neither a binary for this processor nor a script with #!', 'check the architecture of the image, and the first line of a script'],
    E2BIG: ['its arguments and environment are too long', 'pass less, or pass it in a file'],
    ELOOP: ['its path is a circle of symbolic links', 'mend the links in the image'],
    EISDIR: ['it is a folder', 'name a program'],
  };
  const [why, hint] = reasons[errno] ?? [`execve says ${errno}`, 'see execve(2)'];
  return notExecutable(`'${program}' cannot be executed: ${why}`, hint);
}

function readHead(readInRoot: FailureContext['readInRoot'], path: string): Buffer | null {
  try {
    return readInRoot(path, headBytes);
  } catch {
    return null;
  }
}

function folders(paths: readonly string[]): string {
  return paths.map((path) => path.slice(0, Math.max(1, path.lastIndexOf('/')))).join(':');
}

/** As many as the kernel follows, one being run by the next (execve(2), "Interpreter scripts"). */
const mostInterpreters = 5;

/** One of a chain of scripts and what runs them. */
interface Link {
  /** Where it begins. */
  readonly program: string;
  readonly path: string;
  readonly head: Buffer;
  readonly depth: number;
}

/** The program is there, so what is missing is what it is to be run by, or what that is to be run by. */
function missingInterpreter({ program, path, head, depth }: Link, read: (path: string) => Buffer | null): ProgramDiagnosis {
  // As the kernel reads it (fs/binfmt_script.c), to which a carriage return is a letter like any other.
  const script = /^#![ \t]*([^ \t\n\0]+)/.exec(head.toString('latin1'))?.[1];
  const next = script === undefined || depth >= mostInterpreters ? null : read(script);
  if (script !== undefined && next !== null) return missingInterpreter({ program, path: script, head: next, depth: depth + 1 }, read);
  if (script?.endsWith('\r') === true) return windowsLines(path);
  if (script !== undefined) {
    return notExecutable(
      `'${program}' is ${depth === 1 ? '' : `run by '${path}', `}a script for '${printable(script, 400)}', which is not in the image`,
      'add the interpreter to the image, or change the first line of the script',
    );
  }
  const loader = elfInterpreter(head);
  if (loader === undefined || read(loader) !== null) return nothingMissing(path);
  return notExecutable(
    `'${path}' needs the shared library loader '${printable(loader, 400)}', which is not in the image`,
    'the program was built for another C library (glibc or musl): build it statically or for this image',
  );
}

function windowsLines(path: string): ProgramDiagnosis {
  return notExecutable(
    `the first line of the script '${path}' ends with a carriage return (Windows line ends), which the kernel takes for a part of the interpreter's name`,
    `take them away: dos2unix, or sed -i 's/\\r$//', on the file in the image`,
  );
}

/** A static program, say: the container found less than the image holds. */
function nothingMissing(path: string): ProgramDiagnosis {
  return notExecutable(
    `'${path}' is in the image, but it, or what it is to be run by, was not found in the container`,
    'a mount may cover it; and a program for another processor needs its emulator, which binfmt_misc of the host names, in the image',
  );
}

function notExecutable(message: string, hint: string): ProgramDiagnosis {
  return { code: 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE', message, hint };
}

function tooManyInterpreters(program: string): ProgramDiagnosis {
  return notExecutable(
    `'${program}' cannot be executed: the scripts that are run by scripts after it are more than ${mostInterpreters}, or a circle`,
    'name a program in its first line that is no script',
  );
}

/** What follows the image is the program, as docker has it: a flag that is written there is looked for in the PATH. */
function missingHint(program: string): string {
  if (program.startsWith('-')) return `flags end at the image: if '${program}' was meant as one of tsrun, write it before the image`;
  return program.includes('/') ? 'look into the image for the right path' : 'give its full path, or set PATH with -e';
}
