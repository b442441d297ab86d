/** One Node process that starts containers when it is told to. It measures by itself: no message is in its figures. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Formation, Runtime, type Container, type RunOptions } from '../src/index.js';
import { nameLayers } from '../test/support/layered-images.js';
import { defaultRun, isAgentSettings, isOrder, parts, type AgentSettings, type Order, type SubjectName } from './orders.js';

const delayResolutionMs = 1;
/** Starts until the compiler and the collector have settled, before memory is measured. */
const warmUps = 200;

/** A while in which nothing is asked of idle dynos. */
const restMs = 10_000;
/** USER_HZ, the unit of /proc/PID/stat (proc(5)). */
const ticksASecond = 100;

const nowNs = (): number => Number(process.hrtime.bigint());

class Agent {
  readonly #settings: AgentSettings;
  readonly #runtime: Runtime;
  readonly #ballast: readonly unknown[];
  readonly #living: Container[] = [];
  #started = 0;

  constructor(settings: AgentSettings, runtime: Runtime) {
    this.#settings = settings;
    this.#runtime = runtime;
    this.#ballast = [objects(settings.heapMb), buffers(settings.bufferMb)];
    for (const [name, layers] of Object.entries(settings.layers)) nameLayers(name, layers);
  }

  async obey(order: Order): Promise<number[]> {
    switch (order.op) {
      case 'start':
        if (order.subject in this.#settings.layers) return this.#startEmbedded(order.subject);
        if (order.subject === 'embedded' || order.subject in parts) return this.#startEmbedded(this.#settings.rootfs, parts[order.subject]);
        return this.#startProgram(order.subject);
      case 'many':
        return [await this.#many(order)];
      case 'idle':
        return this.#idle(order.count);
      case 'dynos':
        return this.#dynos(order.count);
      case 'fill':
        return this.#fill(order.count);
      case 'clear':
        return this.#clear();
      case 'loop':
        return this.#loop(order.count);
    }
  }

  async close(): Promise<void> {
    await this.#runtime.close();
    if (this.#ballast.length === 0) throw new Error('the heap was given back too early');
  }

  async #startEmbedded(image = this.#settings.rootfs, part: RunOptions = {}): Promise<number[]> {
    const options = { ...defaultRun, ...part };
    const start = nowNs();
    const container = await this.#runtime.run(image, options);
    const executed = nowNs();
    const { code } = await container.exited;
    const end = nowNs();
    if (code !== 0) throw new Error(`/bin/true ended with ${code}`);
    return [end - start, executed - start];
  }

  async #startProgram(name: SubjectName): Promise<number[]> {
    const [program = '', ...args] = this.#settings.programs[name] ?? [];
    const numbered = args.map((word) => word.replaceAll('#', `${process.pid}-${this.#started++}`));
    const filter = openSync(this.#settings.filter, 'r');
    const start = nowNs();
    const child = spawn(program, numbered, { stdio: ['ignore', 'ignore', 'pipe', filter] });
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const ended: unknown[] = await once(child, 'exit');
    const [code] = ended;
    const end = nowNs();
    closeSync(filter);
    if (code !== 0) throw new Error(`${name} ended with ${String(code)}: ${complaint.trim()}`);
    return [end - start];
  }

  async #many({ subject, count, atOnce }: Extract<Order, { op: 'many' }>): Promise<number> {
    let left = count;
    const work = async () => {
      while (left-- > 0) await this.obey({ op: 'start', subject });
    };
    const start = nowNs();
    await Promise.all(Array.from({ length: atOnce }, work));
    return nowNs() - start;
  }

  async #idle(count: number): Promise<number[]> {
    const first = await this.#wait();
    const launcher = parentOf(first.pid);
    for (let round = 0; round < warmUps; round++) await this.#startEmbedded();
    const before = [residentBytes(launcher), ...ownBytes()];
    await this.#fill(count);
    const after = [residentBytes(launcher), ...ownBytes()];
    this.#living.push(first);
    await this.#clear();
    return after.map((bytes, index) => (bytes - (before[index] ?? 0)) / count);
  }

  /** Once before it is measured, for what is loaded with the first. */
  async #dynos(count: number): Promise<number[]> {
    await (await this.#formation(20)).stop();
    const first = await this.#wait();
    const launcher = parentOf(first.pid);
    const before = [residentBytes(launcher), ...ownBytes()];
    const formation = await this.#formation(count);
    const after = [residentBytes(launcher), ...ownBytes()];
    const begunMs = performance.now();
    const busyBefore = busyMs(launcher);
    await delay(restMs);
    const rate = (busyMs(launcher) - busyBefore) / ((performance.now() - begunMs) / 1000);
    await formation.stop();
    this.#living.push(first);
    await this.#clear();
    return [...after.map((bytes, index) => (bytes - (before[index] ?? 0)) / count), rate];
  }

  /** The image's shell waits, whatever it is asked. */
  async #formation(count: number): Promise<Formation> {
    const formation = await Formation.start(this.#runtime, this.#settings.rootfs, { processTypes: { worker: { command: 'wait' } }, quantities: { worker: count } });
    while (!formation.dynos.every(({ state }) => state === 'up')) await delay(20);
    return formation;
  }

  #wait(): Promise<Container> {
    return this.#runtime.run(this.#settings.rootfs, { ...defaultRun, command: ['/bin/wait'] });
  }

  async #fill(count: number): Promise<number[]> {
    for (let number = 0; number < count; number++) this.#living.push(await this.#wait());
    return [];
  }

  async #clear(): Promise<number[]> {
    for (const container of this.#living) await container.killAll();
    for (const container of this.#living.splice(0)) await container.exited;
    return [];
  }

  async #loop(count: number): Promise<number[]> {
    const histogram = monitorEventLoopDelay({ resolution: delayResolutionMs });
    histogram.enable();
    const before = performance.eventLoopUtilization();
    for (let number = 0; number < count; number++) await this.#startEmbedded();
    const { active } = performance.eventLoopUtilization(before);
    histogram.disable();
    // The histogram holds the time between two ticks of its timer, not how late they were.
    return [(active * 1e6) / count, Math.max(0, histogram.max - delayResolutionMs * 1e6)];
  }
}

/** What the collector has to walk. */
function objects(megabytes: number): unknown {
  const kept: { readonly name: string; readonly values: number[] }[] = [];
  while (process.memoryUsage().heapUsed < megabytes * 1e6) {
    for (let index = 0; index < 10_000; index++) kept.push({ name: `entry ${index}`, values: [index, index + 0.5, -index] });
  }
  return kept;
}

function buffers(megabytes: number): Buffer[] {
  return Array.from({ length: megabytes }, () => Buffer.alloc(1e6, 1));
}

/** They go with the mount namespace, the folder with the workspace. */
function mountMany(count: number, folder: string): void {
  if (count === 0) return;
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
  for (let number = 0; number < count; number++) {
    const at = join(folder, String(number));
    mkdirSync(at);
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', at]);
  }
}

function parentOf(pid: number): number {
  return Number(statusField(pid, 'PPid'));
}

function residentBytes(pid: number): number {
  return Number.parseInt(statusField(pid, 'VmRSS'), 10) * 1024;
}

/** Of this process and that one. */
function busyMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  const { user, system } = process.cpuUsage();
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksASecond + (user + system) / 1000;
}

/** Resident, and what of it is in use by JavaScript. */
function ownBytes(): number[] {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return [rss, heapUsed + external];
}

function statusField(pid: number, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
}

const settings: unknown = JSON.parse(process.argv[2] ?? '');
if (!isAgentSettings(settings)) throw new Error('an agent is started by the bench only');
mountMany(settings.mounts, `${settings.state}-mounts`);
const agent = new Agent(settings, await Runtime.open({ root: settings.state }));
process.on('message', (message) => {
  if (!isOrder(message)) return;
  agent.obey(message).then(
    (figures) => process.send?.({ figures }),
    (error: unknown) => process.send?.({ figures: [], error: error instanceof Error ? error.message : String(error) }),
  );
});
process.once('disconnect', () => void agent.close());
process.send?.({ figures: [] });
