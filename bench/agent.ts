/** One Node process that starts containers when it is told to. It measures by itself: no message is in its figures. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { Runtime, type Container } from '../src/index.js';
import { nameLayers } from '../test/support/layered-images.js';
import { defaultRun, isAgentSettings, isOrder, type AgentSettings, type Order, type SubjectName } from './orders.js';

const delayResolutionMs = 1;
/** Starts until the compiler and the collector have settled, before memory is measured. */
const warmUps = 200;

const nowNs = (): number => Number(process.hrtime.bigint());

class Agent {
  readonly #settings: AgentSettings;
  readonly #runtime: Runtime;
  readonly #ballast: unknown;
  #started = 0;

  constructor(settings: AgentSettings, runtime: Runtime) {
    this.#settings = settings;
    this.#runtime = runtime;
    this.#ballast = ballast(settings.heapMb);
    for (const [name, layers] of Object.entries(settings.layers)) nameLayers(name, layers);
  }

  async obey(order: Order): Promise<number[]> {
    switch (order.op) {
      case 'start':
        if (order.subject in this.#settings.layers) return this.#startEmbedded(order.subject);
        return order.subject === 'embedded' ? this.#startEmbedded() : this.#startProgram(order.subject);
      case 'many':
        return [await this.#many(order)];
      case 'idle':
        return this.#idle(order.count);
      case 'loop':
        return this.#loop(order.count);
    }
  }

  async close(): Promise<void> {
    await this.#runtime.close();
    if (this.#ballast === undefined) throw new Error('the heap was given back too early');
  }

  async #startEmbedded(image = this.#settings.rootfs): Promise<number[]> {
    const start = nowNs();
    const container = await this.#runtime.run(image, defaultRun);
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
    const run = () => this.#runtime.run(this.#settings.rootfs, { ...defaultRun, command: ['/bin/wait'] });
    const first = await run();
    const launcher = parentOf(first.pid);
    for (let round = 0; round < warmUps; round++) await this.#startEmbedded();
    const before = [residentBytes(launcher), ...ownBytes()];
    const containers: Container[] = [];
    for (let number = 0; number < count; number++) containers.push(await run());
    const after = [residentBytes(launcher), ...ownBytes()];
    for (const container of [...containers, first]) await container.killAll();
    for (const container of [...containers, first]) await container.exited;
    return after.map((bytes, index) => (bytes - (before[index] ?? 0)) / count);
  }

  async #loop(count: number): Promise<number[]> {
    const delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
    delay.enable();
    const before = performance.eventLoopUtilization();
    for (let number = 0; number < count; number++) await this.#startEmbedded();
    const { active } = performance.eventLoopUtilization(before);
    delay.disable();
    // The histogram holds the time between two ticks of its timer, not how late they were.
    return [(active * 1e6) / count, Math.max(0, delay.max - delayResolutionMs * 1e6)];
  }
}

/** Objects, not buffers: what a fork copies page tables for, and what the collector has to walk. */
function ballast(megabytes: number): unknown {
  const kept: { readonly name: string; readonly values: number[] }[] = [];
  while (process.memoryUsage().heapUsed < megabytes * 1e6) {
    for (let index = 0; index < 10_000; index++) kept.push({ name: `entry ${index}`, values: [index, index + 0.5, -index] });
  }
  return kept;
}

function parentOf(pid: number): number {
  return Number(statusField(pid, 'PPid'));
}

function residentBytes(pid: number): number {
  return Number.parseInt(statusField(pid, 'VmRSS'), 10) * 1024;
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
