/** The commands that show what containers use. */
import type { Command } from './command.js';

export const watchingCommands: readonly Command[] = [
  {
    name: 'stats',
    summary: 'show what containers use',
    usage: 'tsrun stats [flags] [CONTAINER…]',
    positionals: [{ name: 'container', required: false, many: true, completion: 'container' }],
    takesProgram: false,
    failureCode: 1,
    examples: [],
  },
  {
    name: 'top',
    summary: 'watch containers, and the dynos of apps in the background',
    usage: 'tsrun top [flags]',
    description:
      'A row each, drawn anew every second: state, processor time (a full bar is one processor), memory and its limit, processes and threads, time since the start, ' +
      'pressure (the share of the last ten seconds in which something of it waited for a resource, the worst of the three), restarts of a dyno, and the share of its turns in which a processor limit held it back. ' +
      'Arrows or j and k select; enter opens one with its course and its log, escape goes back; s and S take the next and the previous column to sort by, r turns it round; ' +
      '/ filters by name and state; ctrl-l draws anew, ctrl-z suspends, q quits.',
    positionals: [],
    takesProgram: false,
    failureCode: 1,
    examples: [{ line: 'tsrun top --no-stream --sort memory', what: 'one sample, the largest first' }],
  },
];
