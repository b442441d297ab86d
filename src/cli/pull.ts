/** `tsrun pull` */
import { familiarName, imageJson } from './image-names.js';
import { follow, withImages } from './image-work.js';
import type { Invocation } from './invocation.js';
import { escapeControl, renderJson } from './output.js';

export async function run(invocation: Invocation): Promise<number> {
  const { flags, options: { platform, tlsVerify, authFile, imageLimits }, positionals: [reference = ''], stdout } = invocation;
  const image = await withImages(invocation, (images) => follow(invocation, (signal) => images.pull(reference, {
    signal,
    ...(platform !== undefined && { platform }),
    ...(tlsVerify !== undefined && { tlsVerify }),
    ...(authFile !== undefined && { authFile }),
    ...(imageLimits !== undefined && { limits: imageLimits }),
    ...(flags.imageName !== undefined && { name: flags.imageName }),
  })));
  if (flags.json === true) stdout.write(renderJson(imageJson(image)));
  else stdout.write(`${escapeControl(image.givenNames.map(familiarName)[0] ?? image.digest)}\n`);
  return 0;
}
