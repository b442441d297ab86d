/** `tsrun rmi` */
import { storedImages, type RemovedImages } from '../index.js';
import { runtimeOptions, tellFailure } from './containers.js';
import { failureJson } from './failure.js';
import { familiarName } from './image-names.js';
import type { Invocation } from './invocation.js';
import { escapeControl, renderJson } from './output.js';
import { tell } from './tell.js';

/** One after the other, as docker does: two may be names of one image. One that fails does not keep the others. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags: { force = false, json = false }, positionals, stdout, stderr } = invocation;
  const images = storedImages(runtimeOptions(invocation.flags));
  const removed: RemovedImages[] = [];
  let failed = false;
  for (const reference of new Set(positionals)) {
    try {
      const each = await images.remove(reference, { force });
      removed.push(each);
      if (!json) stdout.write(renderRemoved(each));
    } catch (error) {
      if (json) tell(stderr, failureJson(error));
      else tellFailure(error, invocation);
      failed = true;
    }
  }
  if (json) stdout.write(renderJson(sumOf(removed)));
  return failed ? 1 : 0;
}

export function renderRemoved({ untagged, removed }: RemovedImages): string {
  return [...untagged.map((name) => `Untagged: ${familiarName(name)}`), ...removed.map((digest) => `Deleted: ${digest}`)].map((line) => `${escapeControl(line)}\n`).join('');
}

function sumOf(all: readonly RemovedImages[]): RemovedImages {
  return {
    untagged: all.flatMap(({ untagged }) => untagged),
    removed: all.flatMap(({ removed }) => removed),
    freedBytes: all.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
  };
}
