/** `tsrun prune` */
import { withImages } from './image-work.js';
import type { Invocation } from './invocation.js';
import { humanSize, renderJson } from './output.js';
import { renderRemoved } from './rmi.js';

export async function run(invocation: Invocation): Promise<number> {
  const { flags: { all = false, json = false }, stdout } = invocation;
  const removed = await withImages(invocation, (images) => images.prune({ all }));
  stdout.write(json ? renderJson(removed) : `${renderRemoved(removed)}Total reclaimed space: ${humanSize(removed.freedBytes)}\n`);
  return 0;
}
