/**
 * Swap for a file of tests. Only in a guest, whose memory and swap are its own: the file lies on the disk of images, since none of a
 * tmpfs or an overlay can be swapped to.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import type { Lab } from './lab.js';
import { missing } from './needs.js';

export const swapNeeds = ['root', 'lane:vm', 'cgroup2:memory', 'command:mkswap', 'command:swapon', 'command:swapoff'] as const;

const mebibyte = 1024 * 1024;
export const swapMiB = 256;

/** From the first test to the last, where there can be any. */
export function declareSwap(lab: Lab): void {
  let file: string | undefined;
  test.before('the guest gets swap', () => {
    if (missing(...swapNeeds).length > 0) return;
    file = join(mkdtempSync(join(dirname(lab.scratch), 'swap-')), 'file');
    writeWhole(file);
    tool('mkswap', file);
    tool('swapon', file);
  });
  test.after.always('and loses it', () => {
    if (file === undefined) return;
    tool('swapoff', file);
    rmSync(dirname(file), { recursive: true });
  });
}

function tool(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
}

/** Written whole: a swap file may have no holes (swapon(8)). */
function writeWhole(path: string): void {
  const fd = openSync(path, 'wx', 0o600);
  const block = Buffer.alloc(mebibyte);
  for (let written = 0; written < swapMiB; written += 1) writeSync(fd, block);
  closeSync(fd);
}
