/**
 * An ext4 of its own in a file of the workspace, made anew for each run. On a file system that everybody uses a sync waits for what others
 * wrote as well, and ext4 keeps away from inodes that were freed in the last minutes: who unpacks after a clean-up pays for it.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export class FreshDisk {
  readonly folder: string;
  readonly #file: string;
  #isMounted = false;

  constructor(workspace: string, sizeBytes: number) {
    this.folder = join(workspace, 'disk');
    this.#file = join(workspace, 'disk.ext4');
    mkdirSync(this.folder, { recursive: true });
    const file = openSync(this.#file, 'w');
    ftruncateSync(file, sizeBytes);
    // Once through, so that no run pays for blocks that are written the first time.
    const piece = Buffer.alloc(2 ** 24);
    for (let at = 0; at < sizeBytes; at += piece.length) writeSync(file, piece, 0, piece.length, at);
    closeSync(file);
  }

  /** An empty one. */
  renew(): void {
    this.#unmount();
    run('mkfs.ext4', '-q', '-F', '-E', 'nodiscard,lazy_itable_init=1,lazy_journal_init=1', this.#file);
    run('mount', '-o', 'loop,noinit_itable,noatime', this.#file, this.folder);
    this.#isMounted = true;
    // Else everything is twice in the page cache, and a sync waits for both.
    const device = run('losetup', '--associated', this.#file, '--output', 'NAME', '--noheadings').trim();
    run('losetup', '--direct-io=on', device);
  }

  /** Until all of it is on the disk. */
  sync(): void {
    run('sync', '--file-system', this.folder);
  }

  remove(): void {
    this.#unmount();
    rmSync(this.#file);
  }

  #unmount(): void {
    if (this.#isMounted) run('umount', '--recursive', this.folder);
    this.#isMounted = false;
  }
}

function run(program: string, ...words: readonly string[]): string {
  return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } });
}
