// Files of an image that the library reads: whatever the image has there, and whatever happens on the host meanwhile.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadNative } from '../../src/engine/addon.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root');
const { addon } = loadNative();

/** Renames a file again and again. */
const renaming = `
const { renameSync } = require('node:fs');
process.stdout.write('renaming');
for (;;) { renameSync(process.argv[1], process.argv[1] + '2'); renameSync(process.argv[1] + '2', process.argv[1]); }`;

here('a path with .. is found beside one who renames', async (t) => {
  const root = mkdtempSync(join(lab.scratch, 'root-'));
  mkdirSync(join(root, 'a/b'), { recursive: true });
  writeFileSync(join(root, 'a/b/file'), 'found');
  writeFileSync(join(root, 'other'), '');
  const child = spawn(process.execPath, ['-e', renaming, join(root, 'other')], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  try {
    const path = `/a/${'b/../'.repeat(12)}b/file`;
    for (let turn = 0; turn < 2000; turn++) t.is(String(addon.readInRoot(root, path, 100)), 'found');
  } finally {
    child.kill('SIGKILL');
  }
});

here('what is no regular file is not even opened', (t) => {
  const root = mkdtempSync(join(lab.scratch, 'root-'));
  for (const [name, ...node] of [['device', 'c', '240', '0'], ['fifo', 'p']] as const) {
    t.is(spawnSync('mknod', [join(root, name), ...node]).status, 0);
    // To open a device without a driver would be ENXIO.
    const error = t.throws(() => addon.readInRoot(root, name, 100));
    t.like(error, { errno: 22 }, name);
  }
  t.is(addon.readInRoot(root, 'none', 100), null);
});

lab.declareLeakTest();
