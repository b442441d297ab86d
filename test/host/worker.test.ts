// An agent in a worker thread, as one in the main thread: the addon is loaded again, and Node finds nothing to warn of.
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

here('two runtimes at once, each in a thread of its own', async (t) => {
  const workers = [1, 2].map(() => new Worker(new URL('../support/worker-agent.js', import.meta.url), { workerData: { image: lab.image, root: lab.stateRoot }, stderr: true }));
  const heard = await Promise.all(workers.map(async (worker) => {
    const errors = text(worker.stderr);
    const message = new Promise<unknown>((resolve) => worker.once('message', resolve));
    await once(worker, 'exit');
    return { message: await message, errors: await errors };
  }));
  t.deepEqual(heard, Array(2).fill({ message: { said: 'from inside\n', code: 0 }, errors: '' }));
});

lab.declareLeakTest();
