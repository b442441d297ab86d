/** Where the standard streams of a program go that somebody starts at a shell. */
import { constants, openSync, readlinkSync } from 'node:fs';
import type { RunOptions, StdioChoice } from '../../index.js';

type Streams = Required<Pick<RunOptions, 'stdin' | 'stdout' | 'stderr'>>;

/** For a program in the background: nobody reads along, the log does. */
export function backgroundStreams(interactive: boolean): Streams {
  return { stdin: interactive ? 'pipe' : 'ignore', stdout: 'ignore', stderr: 'ignore' };
}

export function foregroundStreams(interactive: boolean): Streams {
  return { stdin: interactive ? handOn(0) : 'ignore', stdout: handOn(1), stderr: handOn(2) };
}

/**
 * A pipe is handed on and costs nothing. All else is copied, because it gives more than a stream of bytes: a terminal can be
 * typed on (TIOCSTI), a folder leads out of the root, a file can be rewound or opened again, and a socket cannot be opened as
 * /dev/stdout.
 */
function handOn(number: 0 | 1 | 2): StdioChoice {
  const path = `/proc/self/fd/${number}`;
  try {
    const target = readlinkSync(path);
    if (target === '/dev/null') return 'ignore';
    if (!/^pipe:\[\d+\]$/.test(target)) return 'pipe';
    // Opened anew: Node has made its own non-blocking, and what a program sets on its one is then no business of the caller's.
    return openSync(path, number === 0 ? constants.O_RDONLY : constants.O_WRONLY);
  } catch {
    // The pipe of another user.
    return 'pipe';
  }
}
