/** A cgroup of the test's own under the host's v2 tree; tests that need one say why they cannot have it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { probeHost } from '../../src/host/probe.js';
import { removeTree } from '../support/cgroup-tree.js';

const { cgroup, uid } = probeHost();
export const host = cgroup;
export const lacking = uid !== 0 ? 'needs root' : !cgroup.writable ? 'needs a writable cgroup v2 tree' : undefined;

/** `test`, or a skip whose title says what is missing. */
export function cgroupTest(title: string, body: (t: ExecutionContext) => void | Promise<void>): void {
  if (lacking === undefined) test.serial(title, body);
  else test.skip(`${title} (${lacking})`, body);
}

let count = 0;

/** With the thread's number: test files run side by side as threads of one process. */
export function newPath(): string {
  return `/tsrun-test-${process.pid}-${threadId}-${++count}`;
}

export interface TestCgroup extends AsyncDisposable {
  readonly dir: string;
  /** Starts a sleeping process in the cgroup or in one below it. */
  occupy(below?: string): Promise<ChildProcess>;
}

export function makeCgroup(): TestCgroup {
  const dir = cgroup.root + newPath();
  mkdirSync(dir);
  const children: ChildProcess[] = [];
  return {
    dir,
    async occupy(below = '') {
      const child = spawn('sleep', ['60'], { stdio: 'ignore' });
      await once(child, 'spawn');
      children.push(child);
      writeFileSync(join(dir, below, 'cgroup.procs'), String(child.pid));
      return child;
    },
    async [Symbol.asyncDispose]() {
      for (const child of children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      removeTree(dir);
    },
  };
}
