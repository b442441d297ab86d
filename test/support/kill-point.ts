/**
 * Loaded into a process by `node --import` before anything else: it dies by SIGKILL at a file operation, as if somebody had killed it at that line.
 * Points are counted from when the file named by TSRUN_KILL_FILE is there, which says at which one: each operation has one before it and one after it.
 * TSRUN_KILL_COMMAND is the word of the command line that only such a process has.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [file = '', command = ''] = [process.env['TSRUN_KILL_FILE'], process.env['TSRUN_KILL_COMMAND']];
const { existsSync, readFileSync, appendFileSync } = fs;
let [isInside, passed] = [false, 0];

if (process.argv.includes(command)) {
  for (const name of ['renameSync', 'writeFileSync', 'appendFileSync', 'mkdirSync', 'rmSync'] as const) {
    const operation: (...words: never[]) => unknown = fs[name];
    const wrapped = (...words: never[]) => (isInside ? operation(...words) : between(() => operation(...words), `${name} ${String(words[0])}`));
    Object.assign(fs, { [name]: wrapped });
  }
  syncBuiltinESMExports();
}

/** What an operation does with others is its own affair. */
function between(operation: () => unknown, what: string): unknown {
  isInside = true;
  try {
    pass(`before ${what}`);
    return operation();
  } finally {
    pass(`after ${what}`);
    isInside = false;
  }
}

function pass(what: string): void {
  if (!existsSync(file)) return;
  if (passed++ !== Number(readFileSync(file, 'utf8'))) return;
  appendFileSync(`${file}.passed`, `${what}\n`);
  process.kill(process.pid, 'SIGKILL');
}
