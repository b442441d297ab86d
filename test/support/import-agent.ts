/**
 * A process that imports an image, or pulls one whose reference starts with `docker://`, for tests that kill it or start several:
 * node import-agent.js STATE-ROOT IMAGE-ROOT REFERENCE
 */
import { Runtime } from '../../src/index.js';

const [root = '', imageRoot = '', reference = ''] = process.argv.slice(2);
const runtime = await Runtime.open({ root, imageRoot });
process.stdout.write('open\n');
try {
  const work = reference.startsWith('docker://') ? runtime.images.pull(reference) : runtime.images.import(reference, { name: 'imported:1' });
  for await (const progress of work) process.stdout.write(`${JSON.stringify(progress)}\n`);
  await work.done;
} finally {
  await runtime.close();
}
