/**
 * An embedding process that can be killed. As a program, `agent.js JSON`: opens a runtime, runs one container, says its id
 * and pid in a line, and waits.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Runtime, type RunOptions } from '../../src/index.js';

export interface AgentOrder {
  readonly root: string;
  readonly image: string;
  readonly options: RunOptions;
}

export interface Started {
  readonly id: string;
  readonly pid: number;
}

/** Resolves when its container runs. Whoever starts one ends it. */
export async function startAgent(order: AgentOrder): Promise<{ readonly agent: ChildProcess; readonly started: Started }> {
  const agent = spawn(process.execPath, [import.meta.filename, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: agent.stdout })) {
    const started: unknown = JSON.parse(line);
    if (isStarted(started)) return { agent, started };
  }
  throw new Error('the agent ended before its container ran');
}

/** By SIGKILL: it has no chance to tidy up. */
export async function killAgent(agent: ChildProcess): Promise<void> {
  const exited = once(agent, 'exit');
  agent.kill('SIGKILL');
  await exited;
}

function isStarted(value: unknown): value is Started {
  return typeof value === 'object' && value !== null && 'id' in value && 'pid' in value;
}

function isOrder(value: unknown): value is AgentOrder {
  return typeof value === 'object' && value !== null && 'root' in value && 'image' in value && 'options' in value;
}

async function main(text: string): Promise<void> {
  const order: unknown = JSON.parse(text);
  if (!isOrder(order)) throw new Error('not an order');
  const runtime = await Runtime.open({ root: order.root });
  const container = await runtime.run(order.image, order.options);
  container.stdout?.resume();
  container.stderr?.resume();
  console.log(JSON.stringify({ id: container.id, pid: container.pid }));
  // Survivors do not keep their starter alive.
  setInterval(() => undefined, 1 << 30);
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2] ?? '');
