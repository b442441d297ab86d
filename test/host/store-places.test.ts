// An image store on file systems that cannot be id-mapped: it says so, and what it offers instead works.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Runtime, TsrunError } from '../../src/index.js';
import { packFolder, writeLayout } from '../support/image-layouts.js';
import { Lab, outcome } from '../support/lab.js';
import { inLongForm, needs } from '../support/needs.js';

const lab = new Lab();

/** A place for a store, mounted for one test. */
function mounted(t: ExecutionContext, ...words: readonly string[]): string {
  const place = mkdtempSync(join(lab.scratch, 'place-'));
  const made = spawnSync('mount', [...words, place], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  t.teardown(() => spawnSync('umount', ['--lazy', place]));
  return place;
}

function overlay(t: ExecutionContext): string {
  const below = mkdtempSync(join(lab.scratch, 'below-'));
  for (const name of ['lower', 'upper', 'work']) mkdirSync(join(below, name));
  return mounted(t, '-t', 'overlay', 'overlay', '-o', `lowerdir=${below}/lower,upperdir=${below}/upper,workdir=${below}/work`);
}

async function refusedThenOffered(t: ExecutionContext, place: string, type: string): Promise<void> {
  const layout = writeLayout(mkdtempSync(join(lab.scratch, 'layout-')), [packFolder(lab.image)], { Cmd: ['echo', 'runs'] });
  const runtime = await Runtime.open({ root: lab.stateRoot, imageRoot: join(place, 'images') });
  t.teardown(async () => runtime.close());
  const error = await t.throwsAsync(runtime.run(layout.path, { id: lab.newId() }), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_HOST');
  t.regex(error.message, new RegExp(`the file system of '${place}/images/.*' \\(${type}\\) cannot be id-mapped`));
  t.regex(error.hint ?? '', /TSRUN_IMAGES.*ext4, xfs or btrfs.*--userns host/);
  t.is((await outcome(await runtime.run(layout.path, { id: lab.newId(), namespaces: { user: 'host' } }))).stdout, 'runs\n');
  await runtime.close();
  const other = await Runtime.open({ root: lab.stateRoot, imageRoot: join(lab.scratch, `images-${type}`) });
  t.teardown(async () => other.close());
  t.is((await outcome(await other.run(layout.path, { id: lab.newId() }))).stdout, 'runs\n');
}

needs('root', 'overlay', 'userns')('a store on an overlay', async (t) => {
  await refusedThenOffered(t, overlay(t), 'overlay');
});

needs('root', 'overlay', 'userns', 'kernel:6.3')('a store on a tmpfs works where that can be id-mapped', async (t) => {
  const layout = writeLayout(mkdtempSync(join(lab.scratch, 'layout-')), [packFolder(lab.image)], { Cmd: ['echo', 'runs'] });
  const runtime = await Runtime.open({ root: lab.stateRoot, imageRoot: join(mounted(t, '-t', 'tmpfs', 'tmpfs'), 'images') });
  t.teardown(async () => runtime.close());
  t.is((await outcome(await runtime.run(layout.path, { id: lab.newId() }))).stdout, 'runs\n');
});

inLongForm('root', 'overlay', 'userns', 'lane:vm-6.1')('and is refused where it cannot', async (t) => {
  await refusedThenOffered(t, mounted(t, '-t', 'tmpfs', 'tmpfs'), 'tmpfs');
});

lab.declareLeakTest();
