/** Where hooks print (crun's `run.oci.hooks.stdout` and `run.oci.hooks.stderr`). */
import { resolve } from 'node:path';
import { hookOutputFiles } from './annotations.js';
import { annotationsOf } from './describe-state.js';
import { inGoWords } from './go-words.js';
import { constants } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';
import type { ContainerRecord } from './state.js';

/** Their standard output and error; -1 where they print as if nothing were said. */
type Outputs = readonly [stdout: number, stderr: number];

/**
 * With the files open that the annotations name, which are made when they are missing, and grow at their end.
 *
 * @throws RuntimeError where one cannot be opened
 */
export function withHookOutputs<T>({ bundle, hooks, spec }: Pick<ContainerRecord, 'bundle' | 'hooks' | 'spec'>, work: (outputs: Outputs) => T): T {
  const { stdout, stderr } = hookOutputFiles({ annotations: annotationsOf(spec), hooks });
  const opened: number[] = [];
  const open = (file: string | undefined, stream: string): number => {
    if (file === undefined) return -1;
    const descriptor = openOutput(resolve(bundle, file), stream);
    opened.push(descriptor);
    return descriptor;
  };
  try {
    return work([open(stdout, 'stdout'), open(stderr, 'stderr')]);
  } finally {
    for (const descriptor of opened) host.close(descriptor);
  }
}

function openOutput(path: string, stream: string): number {
  try {
    return host.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600);
  } catch (error) {
    if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') throw error;
    throw new RuntimeError(`annotation run.oci.hooks.${stream}: open ${path}: ${inGoWords(error.errno)}`);
  }
}
