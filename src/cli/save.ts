/** `tsrun save` */
import { TsrunError } from '../index.js';
import { follow, withImages } from './image-work.js';
import type { Invocation, OutputStream } from './invocation.js';

export async function run(invocation: Invocation): Promise<number> {
  const { flags: { output }, stdout } = invocation;
  if (output !== undefined && output !== '-') return save(output, invocation);
  if (stdout.isTTY === true) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'an image is no text for a terminal', { hint: 'name a file with --output, or send it on: tsrun save app | docker load' });
  }
  return save(stdout, invocation);
}

async function save(destination: string | OutputStream, invocation: Invocation): Promise<number> {
  const { flags: { format = 'docker-archive' }, positionals } = invocation;
  await withImages(invocation, (images) => follow(invocation, (signal) => images.save(positionals, destination, { format, signal })));
  return 0;
}
