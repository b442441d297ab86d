/** `tsrun prune` */
import { storedImages } from '../index.js';
import { runtimeOptions } from './containers.js';
import type { Invocation } from './invocation.js';
import { humanSize, renderJson } from './output.js';
import { renderRemoved } from './rmi.js';

export async function run({ flags, stdout }: Invocation): Promise<number> {
  const { all = false, json = false } = flags;
  const removed = await storedImages(runtimeOptions(flags)).prune({ all });
  stdout.write(json ? renderJson(removed) : `${renderRemoved(removed)}Total reclaimed space: ${humanSize(removed.freedBytes)}\n`);
  return 0;
}
