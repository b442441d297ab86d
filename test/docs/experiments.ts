/** The commands of docs/isolation-experiments.md, as a person types them, and what they print. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { patience, type Lab } from '../support/lab.js';
import { blocksOf, checkout, type Block } from './examples.js';

export interface Step {
  readonly command: string;
  readonly printed: readonly string[];
}

/** Blocks of the document, without the first, which only names the image. */
export function experiments(): Block[] {
  return blocksOf('docs/isolation-experiments.md').filter(({ language }) => language === 'console').slice(1);
}

export function stepsOf({ text }: Block): Step[] {
  const steps: { command: string; printed: string[] }[] = [];
  for (const line of text.trimEnd().split('\n')) {
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), printed: [] });
    else steps.at(-1)?.printed.push(line);
  }
  return steps;
}

/** `…` stands for anything within the line, and alone in a line for one or more of them. */
export function matches(shown: readonly string[], printed: readonly string[]): boolean {
  const literal = (text: string) => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
  const pattern = shown.map((line) => (line === '…' ? '(?:.*\\n)+' : `${line.split('…').map(literal).join('.*')}\\n`)).join('');
  return new RegExp(`^${pattern}$`).test(printed.map((line) => `${line}\n`).join(''));
}

const endOfStep = '-- end of step --';
/** What no reader is shown: limits that this host lacks, and what a shell says of jobs that were ended. */
const unshown = /^tsrun: warning: the default|^bash: line \d+: +\d+ Terminated /;

/** Runs the whole block in one shell, in a folder of its own; compares what each command prints. */
export function repeat(t: ExecutionContext, lab: Lab, block: Block): void {
  t.timeout(200_000 * patience);
  const steps = stepsOf(block);
  const prelude = ['exec 2>&1 </dev/null', 'tsrun() { "$NODE" -- "$TSRUN_MAIN" "$@"; }'];
  const script = [...prelude, ...steps.flatMap(({ command }) => [command, `echo '${endOfStep}'`]), 'kill $(jobs -p) 2>/dev/null'].join('\n');
  const env = { ...process.env, IMAGE: lab.image, NODE: process.execPath, TSRUN_MAIN: join(checkout, 'dist/bundle/cli/main.cjs'), TSRUN_ROOT: lab.stateRoot, LC_ALL: 'C' };
  const { stdout } = spawnSync('bash', ['-c', script], { cwd: lab.scratch, env, encoding: 'utf8', timeout: 180_000 * patience, killSignal: 'SIGKILL' });
  const printed = stdout.split(`${endOfStep}\n`).map((text) => text.split('\n').filter((line, index, all) => !unshown.test(line) && (line !== '' || index < all.length - 1)));
  for (const [index, { command, printed: shown }] of steps.entries()) {
    const came = printed[index] ?? [];
    if (matches(shown, came)) t.pass();
    else t.deepEqual(came, [...shown], command);
  }
}
