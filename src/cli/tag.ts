/** `tsrun tag` */
import { withStoredImages } from './image-work.js';
import type { Invocation } from './invocation.js';

export async function run(invocation: Invocation): Promise<number> {
  const [reference = '', name = ''] = invocation.positionals;
  await withStoredImages(invocation, (images) => images.tag(reference, name));
  return 0;
}
