/**
 * What a process of an ordinary user does for a test. As a program, `user-program.js JSON`: obeys a list of orders in one runtime,
 * with a reply in a line for each.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { Runtime, TsrunError, type Container, type ExitStatus, type RunOptions } from '../../src/index.js';

export type Order =
  /** Runs to the end. */
  | { readonly do: 'run'; readonly options: RunOptions }
  /** Runs, and stays until it is killed. */
  | { readonly do: 'hold'; readonly options: RunOptions }
  /** What is done to a live container, by name. */
  | { readonly do: Deed; readonly options: RunOptions }
  /** Takes over a container, and stops it. */
  | { readonly do: 'adopt'; readonly id: string }
  /** A process beside this one in its cgroup, from now on. */
  | { readonly do: 'crowd' };

export type Deed = 'exec' | 'terminal' | 'connect' | 'pause' | 'stats';

export interface Reply {
  readonly said?: string;
  readonly pid?: number;
  readonly warnings?: readonly string[];
  readonly status?: ExitStatus;
  /** The cgroup of this process, as the kernel says it. */
  readonly cgroup?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

export function isReply(value: unknown): value is Reply {
  return typeof value === 'object' && value !== null;
}

const deeds: Readonly<Record<Deed, (runtime: Runtime, container: Container) => Promise<string>>> = {
  async exec(runtime, container) {
    const executed = await runtime.exec(container, { command: ['sh', '-c', 'id -u; cat /proc/1/comm'] });
    return executed.stdout === null ? '' : text(executed.stdout);
  },
  async terminal(runtime, container) {
    const executed = await runtime.exec(container, { command: ['sh', '-c', 'read line; echo "got $line"; stty size; tty'], terminal: { rows: 31, columns: 97 } });
    const said = executed.terminal === null ? '' : text(executed.terminal.output);
    executed.terminal?.resize(40, 120);
    executed.terminal?.input.write('typed\n');
    return said;
  },
  async connect(_runtime, container) {
    for (let attempt = 0; ; attempt++) {
      const socket = await container.connect(8080).catch((error: unknown) => error);
      if (socket instanceof Error && attempt > 200) throw socket;
      if (socket instanceof Error || typeof socket !== 'object' || socket === null || !('end' in socket)) await delay(50);
      else break;
    }
    const socket = await container.connect(8080);
    socket.end('GET /page HTTP/1.0\r\n\r\n');
    return text(socket);
  },
  async pause(_runtime, container) {
    await container.pause();
    await container.resume();
    return 'paused and resumed';
  },
  async stats(_runtime, container) {
    return JSON.stringify(await container.stats());
  },
};

async function run(runtime: Runtime, image: string, options: RunOptions): Promise<Reply> {
  const container = await runtime.run(image, options);
  const [stdout, stderr, status] = await Promise.all([read(container.stdout), read(container.stderr), container.exited]);
  return { said: stdout + stderr, status, warnings: container.warnings };
}

async function read(stream: Container['stdout']): Promise<string> {
  return stream === null ? '' : text(stream);
}

async function obey(runtime: Runtime, image: string, order: Order): Promise<Reply> {
  switch (order.do) {
    case 'run':
      return run(runtime, image, order.options);
    case 'hold': {
      const container = await runtime.run(image, order.options);
      setInterval(() => undefined, 1 << 30);
      return { pid: container.pid };
    }
    case 'adopt': {
      const container = await runtime.adopt(order.id);
      const pid = container.pid;
      return { pid, status: await container.stop({ graceMs: 0 }) };
    }
    case 'crowd':
      spawn('sleep', ['1000'], { stdio: 'ignore' });
      return {};
    default: {
      await using container = await runtime.run(image, order.options);
      return { said: await deeds[order.do](runtime, container), pid: container.pid };
    }
  }
}

function describe(error: unknown): Reply {
  if (TsrunError.is(error)) return { error: { code: error.code, message: error.message, hint: error.hint ?? '' } };
  return { error: { code: '', message: String(error), hint: '' } };
}
