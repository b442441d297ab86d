/** Faults at system calls, by strace(1), and a state root on which nothing may be left after them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Runtime, type RunOptions } from '../../src/index.js';
import { type Lab, patience } from './lab.js';
import { launchersOf, leftovers, processesOf, takeTraces } from './leaks.js';

/** One system call: its name, and the how manieth of that name it is. */
export interface Moment {
  readonly name: string;
  readonly count: number;
}

/** What strace has written of one process; a call that was interrupted by others is in two lines, of which the first counts. */
export function momentsIn(text: string): Moment[] {
  const seen = new Map<string, number>();
  return text.split('\n').flatMap((line) => {
    const name = /^(?:<\.\.\. )?(\w+)/.exec(line)?.[1];
    if (name === undefined || !line.includes('(')) return [];
    seen.set(name, (seen.get(name) ?? 0) + 1);
    return [{ name, count: seen.get(name) ?? 1 }];
  });
}

/** So many of them, in even steps; where it begins is chance, so that many runs try all. All of them with TSRUN_LONG=1. */
export function sample<T>(items: readonly T[], most: number): T[] {
  if (process.env['TSRUN_LONG'] === '1' || items.length <= most) return [...items];
  const step = items.length / most;
  const first = Math.random() * step;
  const chosen = new Set(Array.from({ length: most }, (_, index) => Math.floor(first + index * step)));
  return items.filter((_, index) => chosen.has(index));
}

/** A state root of its own for each test: opening one cleans it. */
export class Place {
  readonly prefix: string;
  readonly stateRoot: string;
  readonly #traces;

  constructor(lab: Lab) {
    this.prefix = lab.newId();
    this.stateRoot = join(lab.stateRoot, `place-${this.prefix}`);
    this.#traces = takeTraces(this.prefix, this.stateRoot);
    mkdirSync(this.stateRoot);
  }

  /** What is left after the next command on this state root. */
  async leftAfterOpening(): Promise<string[]> {
    // Who is killed takes its containers along, but not within the same instant.
    const end = Date.now() + 5000 * patience;
    while (processesOf(this.prefix).length + launchersOf(this.stateRoot).length > 0 && Date.now() < end) await delay(5);
    const runtime = await Runtime.open({ root: this.stateRoot });
    await runtime.close();
    const left = await leftovers(this.#traces, 1000 * patience);
    // A socket that was never given its name is cleared away after two seconds.
    return left.filter((sentence) => !sentence.startsWith('launchers/.'));
  }

  options(number: number): RunOptions {
    return { id: `${this.prefix}-${number}`, command: ['sleep', '0.02'], stdout: 'ignore', stderr: 'ignore' };
  }

  remove(): void {
    rmSync(this.stateRoot, { recursive: true, force: true });
  }
}

/** Starts strace on a running process; gives what ends it. */
async function traced(pid: number, ...options: string[]): Promise<() => Promise<void>> {
  const tracer = spawn('strace', ['-p', String(pid), ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(tracer, 'exit');
  // Its first words say that it is attached.
  await once(tracer.stderr, 'data');
  return async () => {
    tracer.kill('SIGTERM');
    await ended;
  };
}

/** Runs one container under a tracer of the launcher, which is killed when there is no result after ten seconds. */
export async function tracedStart(image: string, place: Place, ...options: string[]): Promise<unknown> {
  const runtime = await Runtime.open({ root: place.stateRoot });
  const [launcher] = launchersOf(place.stateRoot);
  if (launcher === undefined) throw new Error('no launcher is found');
  const release = await traced(launcher, ...options);
  const start = runtime.run(image, place.options(0)).then(async (container) => container.exited).catch((error: unknown) => error);
  const isOver = new AbortController();
  const late = delay(10_000 * patience, 'no result', { signal: isOver.signal }).catch(() => undefined);
  const result = await Promise.race([start, late]);
  isOver.abort();
  if (result === 'no result') for (const pid of launchersOf(place.stateRoot)) process.kill(pid, 'SIGKILL');
  await release();
  await runtime.close();
  return result;
}

/** Every system call that the launcher makes from a request to the end of the container. */
export async function momentsOfStart(image: string, place: Place): Promise<Moment[]> {
  const file = join(place.stateRoot, 'calls');
  await tracedStart(image, place, '-e', 'signal=none', '-o', file);
  const moments = momentsIn(readFileSync(file, 'utf8'));
  rmSync(file);
  return moments;
}

/** The same of every process that it starts, up to the program of the container. */
export async function momentsOfAll(image: string, place: Place): Promise<Moment[]> {
  const folder = join(place.stateRoot, 'calls');
  mkdirSync(folder);
  await tracedStart(image, place, '-ff', '-e', 'signal=none', '-o', join(folder, 'of'));
  const lists = readdirSync(folder).map((name) => momentsIn(readFileSync(join(folder, name), 'utf8')));
  rmSync(folder, { recursive: true });
  const before = lists.map((moments) => moments.slice(0, moments.findIndex(({ name }) => name === 'execve') + 1 || moments.length));
  return [...new Map(before.flat().map((moment) => [`${moment.name} ${moment.count}`, moment])).values()];
}
