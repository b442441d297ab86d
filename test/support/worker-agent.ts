/** An agent in a worker thread: runs one program to its end, and tells what it said. */
import { text } from 'node:stream/consumers';
import { parentPort, workerData } from 'node:worker_threads';
import { Runtime } from '../../src/index.js';

interface Order {
  readonly image: string;
  readonly root: string;
}

function isOrder(value: unknown): value is Order {
  return typeof value === 'object' && value !== null && 'image' in value && 'root' in value;
}

const order: unknown = workerData;
if (!isOrder(order)) throw new Error('not an order');
const runtime = await Runtime.open({ root: order.root });
const container = await runtime.run(order.image, { command: ['sh', '-c', 'echo from inside'], stdin: 'pipe' });
const said = container.stdout === null ? '' : await text(container.stdout);
const { code } = await container.exited;
await runtime.close();
parentPort?.postMessage({ said, code });
