/** `tsrun save` */
import { TsrunError } from '../index.js';
import { follow, withImages } from './image-work.js';
import { interruptible } from './interruption.js';
import type { Invocation } from './invocation.js';
import { spool } from './spool.js';

export async function run(invocation: Invocation): Promise<number> {
  const { flags: { output }, stdout } = invocation;
  if (output !== undefined && output !== '-') return save(output, invocation);
  if (stdout.isTTY === true) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'an image is no text for a terminal', { hint: 'name a file with --output, or send it on: tsrun save app | docker load' });
  }
  await using file = await spool('save');
  await save(file.path, invocation);
  await interruptible((signal) => file.drain(stdout, signal));
  return 0;
}

async function save(path: string, invocation: Invocation): Promise<number> {
  const { flags: { format = 'docker-archive' }, positionals } = invocation;
  await withImages(invocation, (images) => follow(invocation, (signal) => images.save(positionals, path, { format, signal })));
  return 0;
}
