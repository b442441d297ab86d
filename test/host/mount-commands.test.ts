// `tsrun mount` and `unmount` as they are typed, and killed.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packFolder, writeLayout } from '../support/image-layouts.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { makeLayer, type MadeLayer } from '../support/store-lab.js';

const lab = new Lab();
const here = needs('root', 'overlay', 'userns');
const main = join(resolve(import.meta.dirname, '../../..'), 'dist/bundle/cli/main.cjs');

let busybox: MadeLayer | undefined;
let images = 0;

async function imported(...layers: readonly MadeLayer[]): Promise<string> {
  busybox ??= packFolder(lab.image);
  const layout = writeLayout(mkdtempSync(join(lab.scratch, 'layout-')), [busybox, ...layers], { Cmd: ['sleep', '1000'] });
  const name = `mounted:${images++}`;
  await (await lab.runtime()).images.import(layout.path, { name }).done;
  return name;
}

function tsrun(...words: readonly string[]): { code: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, TSRUN_ROOT: lab.stateRoot, TSRUN_IMAGES: lab.imageRoot, NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], { encoding: 'utf8', env });
  return { code: status, stdout, stderr: stderr.replace(/^tsrun: warning: .*\n/gm, '') };
}

function optionsOf(path: string): string[] {
  const line = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').find((each) => each.split(' ')[4] === path);
  return line?.split(' ')[5]?.split(',') ?? [];
}

here('killed at any moment it leaves a mount that is known, or none', async (t) => {
  const name = await imported(makeLayer({ 'srv/x': 'x' }));
  const runtime = await lab.runtime();
  const env = { ...process.env, TSRUN_ROOT: lab.stateRoot, TSRUN_IMAGES: lab.imageRoot };
  let stood = 0;
  for (let at = 0; at < 20; at++) {
    const child = spawn(process.execPath, [main, 'mount', name], { env, stdio: 'ignore' });
    const timer = setTimeout(() => child.kill('SIGKILL'), 40 + at * 12);
    await once(child, 'exit');
    clearTimeout(timer);
    await runtime.gc();
    const known = runtime.mounts.list();
    stood += known.length;
    for (const { path } of known) await runtime.mounts.unmount(path, { force: true });
    t.false(readFileSync('/proc/self/mountinfo', 'utf8').includes(`${lab.stateRoot}/mounts/`), `killed after ${40 + at * 12} ms`);
    const folder = join(lab.stateRoot, 'mounts');
    t.deepEqual(existsSync(folder) ? readdirSync(folder) : [], []);
  }
  t.log(`${stood} of 20 stood`);
});

here('tsrun mount and unmount: by name, by path, all; they outlive the command', async (t) => {
  const name = await imported();
  const target = mkdtempSync(join(lab.scratch, 'target-'));
  const container = await lab.idle();
  const mounted = tsrun('mount', name);
  t.is(mounted.code, 0, mounted.stderr);
  const path = mounted.stdout.trim();
  t.true(existsSync(join(path, 'bin/busybox')));
  t.is(tsrun('mount', '--no-follow', container.id, target).stdout, `${target}\n`);
  t.true(optionsOf(target).includes('nosymfollow'));
  t.regex(tsrun('mount').stdout, new RegExp(`^PATH +KIND +NAME +IMAGE +MOUNTED\n${path} +image +${name} +\\w{12} .*\n${target} +container +${container.id} `));
  t.deepEqual((JSON.parse(tsrun('mount', '--json').stdout) as { path: string }[]).map((each) => each.path), [path, target]);
  t.deepEqual(tsrun('unmount', name), { code: 0, stdout: `${path}\n`, stderr: '' });
  t.regex(tsrun('unmount', name).stderr, /nothing of '.*' is mounted/);
  t.is(tsrun('umount', target).stdout, `${target}\n`);
  tsrun('mount', name);
  tsrun('mount', '--type', 'image', name, target);
  t.is(tsrun('unmount', '-a').stdout.trim().split('\n').length, 2);
  t.regex(tsrun('unmount').stderr, /needs to be told what/);
  t.is(tsrun('mount', 'none:1').code, 1);
  const runtime = await lab.runtime();
  await runtime.images.tag(name, 'other:1');
  tsrun('mount', name, target);
  const refused = tsrun('unmount', 'other:1');
  t.is(refused.code, 1);
  t.true(refused.stderr.includes(`hint: the same image is, by another name: ${target} (${name})`), refused.stderr);
  const [{ digest = '' } = {}] = runtime.mounts.list();
  t.is(tsrun('unmount', digest.slice(7, 19)).stdout, `${target}\n`, 'by its digest');
  await runtime.images.remove('other:1');
  rmdirSync(target);
  await container.killAll();
  await container.exited;
});

lab.declareLeakTest();
