// Swap: a container gets as much of it as was said, and no more.
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { RunOptions } from '../../src/index.js';
import { declareSwap, swapMiB, swapNeeds } from '../support/guest-swap.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const main = join(resolve(import.meta.dirname, '../../..'), 'dist/bundle/cli/main.cjs');
const here = needs(...swapNeeds);
const mebibyte = 1024 * 1024;

declareSwap(lab);

const take = (mebibytes: number, options: RunOptions): RunOptions => ({ command: ['hog', 'memory', String(mebibytes * mebibyte)], ...options });

here('who takes more than memory goes on in swap, as far as that was allowed', async (t) => {
  const ends = async (mebibytes: number, options: RunOptions) => {
    const { status } = await lab.run(take(mebibytes, options));
    t.true((status.usage.memoryPeakBytes ?? 0) <= 16 * mebibyte);
    return status.cause;
  };
  t.is(await ends(24, { memory: '16m' }), 'exit', 'twice the memory, as docker has it');
  t.is(await ends(48, { memory: '16m' }), 'oom');
  t.is(await ends(24, { memory: '16m', memorySwap: '16m' }), 'oom', 'no swap at all');
  t.is(await ends(48, { memory: '16m', memorySwap: '64m' }), 'exit');
  t.is(await ends(80, { memory: '16m', memorySwap: '64m' }), 'oom');
  t.is(await ends(80, { memory: '16m', memorySwap: -1 }), 'exit', 'as much as the host has');
});

here('what is swapped out stands in the statistics', async (t) => {
  const container = await lab.start({ command: ['sh', '-c', 'dd if=/dev/zero of=/dev/shm/file bs=1M count=24 2>&1; exec sleep 1000'], memory: '16m' });
  for await (const text of container.stdout ?? []) if (String(text).includes('24+0 records out')) break;
  const { memory } = await container.stats();
  t.is(memory?.swapMaxBytes, 16 * mebibyte);
  t.true((memory?.swapBytes ?? 0) >= 8 * mebibyte, `${memory?.swapBytes}`);
  await container[Symbol.asyncDispose]();
});

here('doctor tells how much there is', (t) => {
  const { stdout } = spawnSync(process.execPath, [main, 'doctor'], { encoding: 'utf8', env: { ...process.env, TSRUN_ROOT: lab.stateRoot } });
  t.regex(stdout, new RegExp(`^yes +swap +${swapMiB} MiB$`, 'm'));
});

lab.declareLeakTest();
