/** `tsrun load`, also called `tsrun import` */
import { TsrunError } from '../index.js';
import { familiarName, imageJson } from './image-names.js';
import { follow, withImages } from './image-work.js';
import type { InputStream, Invocation } from './invocation.js';
import { escapeControl, painter, renderJson } from './output.js';

/** What people write for it; by its path, a pipe would be no file. */
const standardInputs: readonly string[] = ['-', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'];

export async function run(invocation: Invocation): Promise<number> {
  const { flags: { input }, positionals: [named] } = invocation;
  if (input !== undefined && named !== undefined) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'two images to load: one by --input, and one by itself', { hint: 'leave one of them out' });
  }
  const reference = input ?? named;
  if (reference !== undefined && !standardInputs.includes(reference)) return load(reference, invocation);
  if (invocation.stdin.isTTY === true) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'no image to load: standard input is a terminal', { hint: 'name a file or folder, or send one: docker save app | tsrun load' });
  }
  return load(invocation.stdin, invocation);
}

async function load(source: string | InputStream, invocation: Invocation): Promise<number> {
  const { flags, options: { platform, checksum, imageLimits }, stdout, env } = invocation;
  const images = await withImages(invocation, (library) => follow(invocation, (signal) => library.import(source, {
    signal,
    ...(platform !== undefined && { platform }),
    ...(checksum !== undefined && { checksum }),
    ...(imageLimits !== undefined && { limits: imageLimits }),
    ...(flags.imageName !== undefined && { name: flags.imageName }),
  })));
  const paint = painter(stdout, env);
  if (flags.json === true) stdout.write(renderJson(images.map(imageJson)));
  else {
    for (const { givenNames, digest } of images) {
      for (const name of givenNames) stdout.write(`${paint('dim', 'Loaded image:')} ${escapeControl(familiarName(name))}\n`);
      if (givenNames.length === 0) stdout.write(`${paint('dim', 'Loaded image ID:')} ${escapeControl(digest)}\n`);
    }
  }
  return 0;
}
