// SIGKILL at the system calls of who owns a container, from its first side effect on: the command, and a program that embeds tsrun. What is
// left is gone with the next command. The short form takes a sample, TSRUN_LONG=1 every call.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { momentsIn, Place, sample, type Moment } from '../support/faults.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay', 'command:strace');
const command = join(resolve(import.meta.dirname, '../../..'), 'dist/bundle/cli/main.cjs');
const embedder = join(import.meta.dirname, '../support/one-start.js');

/** The words of each, whose container has this id. */
const owners: Readonly<Record<string, (place: Place, id: string) => readonly string[]>> = {
  'tsrun run': (_place, id) => [command, 'run', '--rm', '--name', id, lab.image, '--', 'true'],
  'a program that embeds tsrun': (place, id) => [embedder, place.stateRoot, lab.image, id],
};

function traced(words: readonly string[], place: Place, ...options: readonly string[]): { readonly signal: string | null; readonly status: number | null } {
  return spawnSync('strace', [...options, process.execPath, ...words], { stdio: 'ignore', env: { ...process.env, TSRUN_ROOT: place.stateRoot }, timeout: 30_000 * patience, killSignal: 'SIGKILL' });
}

/** Of the thread that runs JavaScript, from the first call on that makes something in the state root. */
function momentsOf(words: (place: Place, id: string) => readonly string[]): Moment[] {
  const place = new Place(lab);
  const file = join(place.stateRoot, 'calls');
  traced(words(place, `${place.prefix}-0`), place, '-s', '300', '-e', 'signal=none', '-o', file);
  const text = readFileSync(file, 'utf8');
  rmSync(file);
  place.remove();
  const lines = text.split('\n');
  const first = lines.findIndex((line) => /^(?:mkdir|openat\(.*O_CREAT|bind|rename|symlink)/.test(line) && line.includes(`"${place.stateRoot}/`));
  const before = momentsIn(lines.slice(0, first).join('\n')).length;
  return momentsIn(text).slice(before);
}

for (const [name, words] of Object.entries(owners)) {
  here(`SIGKILL at the system calls of ${name}`, async (t) => {
    const all = momentsOf(words);
    t.true(all.length > 50, `${all.length} calls`);
    const moments = sample(all, 40);
    t.timeout(moments.length * 10_000 * patience);
    const troubles: string[] = [];
    let killed = 0;
    for (const moment of moments) {
      const place = new Place(lab);
      const { status, signal } = traced(words(place, `${place.prefix}-0`), place, '-o', '/dev/null', '-e', `inject=${moment.name}:signal=SIGKILL:when=${moment.count}`);
      // strace ends as what it traces does; how often a call is made is not always the same, so that some moments never come.
      if (signal === 'SIGKILL') killed++;
      else if (status !== 0) troubles.push(`${moment.name} ${moment.count}: ended with ${String(status)}`);
      const left = await place.leftAfterOpening();
      if (left.length > 0) troubles.push(`${moment.name} ${moment.count}: left ${left.join(', ')}`);
      place.remove();
    }
    t.log(`${killed} kills at ${moments.length} of ${all.length} calls`);
    t.deepEqual(troubles, []);
    t.true(killed > moments.length / 2);
  });
}

lab.declareLeakTest();
