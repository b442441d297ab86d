/**
 * The archiver over a build of its program that cannot run behind the walls: one with sanitizers, whose libraries are not in the root
 * that it works in. It is started as a child of this process, and goes into that root once all is loaded.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Archiver } from '../../src/container/archiver/archiver.js';
import type { ProgramLauncher, ProgramRun } from '../../src/container/archiver/run.js';
import type { ProgramRequest } from '../../src/container/launch-request.js';
import { nameLauncher, start } from '../../src/container/connection.js';
import { StateRoot } from '../../src/container/state/state-root.js';
import { loadNative } from '../../src/engine/addon.js';
import { probeHost } from '../../src/host/probe.js';

/** Loaded before the program, and run before its main(). */
const entrance = `
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void enter(void) {
  const char* root = getenv("TSRUN_TEST_ROOT");
  if (root == 0 || chroot(root) != 0 || chdir("/") != 0) _exit(126);
}
`;

/** What the sanitizers have to say goes where nothing of the program's own is read. */
const options = (folder: string) => ({
  ASAN_OPTIONS: `verify_asan_link_order=0:detect_leaks=0:exitcode=125:abort_on_error=0:log_path=${folder}/report`,
  UBSAN_OPTIONS: 'print_stacktrace=1:exitcode=125',
  TSAN_OPTIONS: `exitcode=125:report_thread_leaks=0:log_path=${folder}/report`,
});

class BareLauncher implements ProgramLauncher {
  readonly #program: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'tsrun-bare-'));
  readonly #entrance = join(this.#folder, 'enter.so');

  constructor(program: string) {
    this.#program = program;
    writeFileSync(join(this.#folder, 'enter.c'), entrance);
    execFileSync('gcc', ['-shared', '-fPIC', '-o', this.#entrance, join(this.#folder, 'enter.c')]);
  }

  launchProgram({ spec, program: { layers }, streams: { plan, passed } }: ProgramRequest): ProgramRun {
    const rest = [...passed];
    const stream = (choice: string) => (choice === 'passed' ? rest.shift() : choice === 'pipe' ? 'pipe' : 'ignore');
    const folders = layers.map((layer) => openSync(layer, 'r'));
    const child = spawn(this.#program, spec.process?.args.slice(1) ?? [], {
      stdio: [stream(plan.stdin), stream(plan.stdout), 'pipe', 'ignore', 'ignore', ...folders],
      env: { LD_PRELOAD: this.#entrance, TSRUN_TEST_ROOT: spec.root?.path ?? '', ...options(this.#folder) },
    });
    for (const fd of folders) closeSync(fd);
    const exited = once(child, 'exit').then(([code, signal]: (number | string | null)[]) => {
      // Not to be taken for a refusal: no test expects this.
      if (code === 125 || code === 126) throw new Error(`${this.#program} ended with ${code}: see ${this.#folder}`);
      return typeof signal === 'string' ? { code: 137, signal } : { code: Number(code) };
    });
    exited.catch(() => undefined);
    return {
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      started: once(child, 'spawn').then(() => undefined),
      exited,
      killAll: async () => Promise.resolve(void child.kill('SIGKILL')),
    };
  }

  async executeProgram(): Promise<ProgramRun> {
    return Promise.reject(new Error('not in a live container'));
  }

  emptyFolder(): string {
    return mkdtempSync(join(this.#folder, 'empty-'));
  }
}

export async function bareArchiver(program: string): Promise<Archiver> {
  const native = loadNative();
  // Nothing is started on it; it ends with this process.
  const root = new StateRoot(mkdtempSync('/run/tsrun-bare-'));
  root.make();
  return new Archiver({ launching: new BareLauncher(program), native, host: probeHost({ native: native.addon }), named: await nameLauncher(start(native, false), root) });
}
