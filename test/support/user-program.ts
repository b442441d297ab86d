/**
 * What a process of an ordinary user does for a test. As a program, `user-program.js JSON`: obeys a list of orders in one runtime,
 * with a reply in a line for each.
 */
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { explain, Runtime, storedImages, TsrunError, type Container, type ExitStatus, type RunOptions } from '../../src/index.js';

export type Order =
  /** Runs to the end; of a folder of its home, if not of its image. */
  | { readonly do: 'run'; readonly options: RunOptions; readonly folder?: string }
  /** What a run would do, without a runtime. */
  | { readonly do: 'explain'; readonly options: RunOptions }
  /** Says the names in its store, without a runtime. */
  | { readonly do: 'list' }
  /** Runs, and stays until it is killed. */
  | { readonly do: 'hold'; readonly options: RunOptions }
  /** What is done to a live container, by name. */
  | { readonly do: Deed; readonly options: RunOptions }
  /** Unpacks an archive of its home into a folder there that is made for it, as a layer above another of these. */
  | { readonly do: 'unpack'; readonly archive: string; readonly folder: string; readonly lower?: string }
  /** Copies into a container or out of it, from and to its home; says of each what came of it. The container is forgotten then. */
  | { readonly do: 'copy'; readonly options: RunOptions; readonly state: 'live' | 'ended'; readonly copies: readonly Copy[] }
  /** Takes over a container, and stops it. */
  | { readonly do: 'adopt'; readonly id: string }
  /** Imports what lies at a path, and says its digest. */
  | { readonly do: 'import'; readonly path: string; readonly name: string }
  /** Runs an image by its name, to the end. */
  | { readonly do: 'image'; readonly name: string; readonly options: RunOptions }
  /** Mounts its image. */
  | { readonly do: 'mount' }
  /** Removes an image, and says which. */
  | { readonly do: 'forget'; readonly name: string };

export type Deed = 'exec' | 'beside' | 'terminal' | 'connect' | 'pause' | 'stats' | 'changes';
export type Copy = readonly [way: 'in' | 'out' | 'archive', source: string, destination: string];

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
  async beside(runtime, { id }) {
    const namespaces = { mount: { container: id }, user: { container: id } };
    const { said = '' } = await run(runtime, '/', { command: ['sh', '-c', 'touch /made; stat -c "%u %n" /made; hostname'], hostname: 'beside', namespaces });
    return said;
  },
  async terminal(runtime, container) {
    const executed = await runtime.exec(container, { command: ['sh', '-c', 'read line; echo "got $line"; stty size; tty'], terminal: { rows: 31, columns: 97 } });
    const said = executed.terminal === null ? '' : text(executed.terminal.output);
    executed.terminal?.resize(40, 120);
    executed.terminal?.input.write('typed\n');
    return said;
  },
  async connect(_runtime, container) {
    const socket = await connectWhenUp(container);
    socket.end('GET /page HTTP/1.0\r\n\r\n');
    return text(socket);
  },
  async pause(_runtime, container) {
    await container.pause();
    await container.resume();
    return 'paused and resumed';
  },
  async changes(runtime, container) {
    const executed = await runtime.exec(container, { command: ['sh', '-c', 'mkdir /tmp/a; chown 1000 /tmp/a; chmod 755 /tmp; rm /etc/group; chown 1000 /mnt; echo > /home/app/new'] });
    await executed.exited;
    return (await runtime.changes(container.id)).map(({ kind, path }) => `${kind} ${path}`).join('\n');
  },
  async stats(_runtime, container) {
    return JSON.stringify(await container.stats());
  },
};

async function connectWhenUp(container: Container): Promise<Socket> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await container.connect(8080);
    } catch (error) {
      if (attempt > 200) throw error;
      await delay(50);
    }
  }
}

async function run(runtime: Runtime, image: string, options: RunOptions): Promise<Reply> {
  const container = await runtime.run(image, options);
  const [stdout, stderr, status] = await Promise.all([read(container.stdout), read(container.stderr), container.exited]);
  return { said: stdout + stderr, status, warnings: container.warnings };
}

async function read(stream: Container['stdout']): Promise<string> {
  return stream === null ? '' : text(stream);
}

async function explained(options: RunOptions): Promise<Reply> {
  const { warnings, record: { spec } } = await explain(ownImage(), options);
  return { warnings, said: JSON.stringify(spec.linux?.uidMappings) };
}

async function unpack(runtime: Runtime, { archive, folder, lower }: Extract<Order, { do: 'unpack' }>): Promise<Reply> {
  const [source, destination] = [openSync(ownImage(archive), 'r'), ownImage(folder)];
  mkdirSync(destination);
  const limits = { bytes: 2 ** 30, entries: 10_000, ratio: 100 };
  const report = await (await runtime.archiver()).unpack({ source, destination, limits, ...(lower !== undefined && { lower: [ownImage(lower)] }) });
  closeSync(source);
  return { said: JSON.stringify(report) };
}

async function copy(runtime: Runtime, image: string, { options, state, copies }: Extract<Order, { do: 'copy' }>): Promise<Reply> {
  await using container = await runtime.run(image, { ...options, stdout: 'ignore' });
  if (state === 'ended') await container.exited;
  else await delay(500);
  const said: string[] = [];
  for (const [way, source, destination] of copies) {
    const work = way === 'in' ? runtime.copyIn(container, ownPath(source), destination) : runtime.copyOut(container, source, ownPath(destination), { archive: way === 'archive' });
    said.push(await work.then(({ entries, bytes }) => `${entries} ${bytes}`, (error: unknown) => (TsrunError.is(error) ? `${error.code}: ${error.message}` : String(error))));
  }
  await container[Symbol.asyncDispose]();
  runtime.remove(container.id);
  return { said: said.join('\n') };
}

function ownPath(path: string): string {
  return path.startsWith('/') ? path : ownImage(path);
}

function ownImage(folder = 'image'): string {
  return join(process.env['HOME'] ?? '', folder);
}

async function obey(runtime: Runtime, order: Exclude<Order, { do: 'explain' | 'list' | 'forget' }>): Promise<Reply> {
  const image = ownImage();
  switch (order.do) {
    case 'run':
      return run(runtime, ownImage(order.folder), order.options);
    case 'unpack':
      return unpack(runtime, order);
    case 'copy':
      return copy(runtime, image, order);
    case 'hold':
      return { pid: (await runtime.run(image, order.options)).pid };
    case 'import':
      return { said: (await runtime.images.import(order.path, { name: order.name }).done).map(({ digest }) => digest).join() };
    case 'image':
      return run(runtime, order.name, order.options);
    case 'mount':
      return { said: (await runtime.mounts.image(image)).path };
    case 'adopt': {
      const container = await runtime.adopt(order.id);
      return { pid: container.pid, status: await container.stop({ graceMs: 0 }) };
    }
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

function ownCgroup(): string {
  return /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '';
}

async function main(text: string): Promise<void> {
  const orders: unknown = JSON.parse(text);
  if (!isOrders(orders)) throw new Error('not a list of orders');
  let runtime: Runtime | undefined;
  for (const order of orders) {
    let reply: Reply;
    try {
      if (order.do === 'explain') reply = await explained(order.options);
      else if (order.do === 'list') reply = { said: (await storedImages().list()).flatMap(({ names }) => names).join() };
      else if (order.do === 'forget') reply = { said: (await storedImages().remove(order.name)).removed.join() };
      else reply = await obey((runtime ??= await Runtime.open()), order);
    } catch (error) {
      reply = describe(error);
    }
    console.log(JSON.stringify({ ...reply, cgroup: ownCgroup() }));
    if (order.do === 'hold') await delay(1 << 30);
  }
  await runtime?.close();
}

function isOrders(value: unknown): value is Order[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null && 'do' in each);
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2] ?? '');
