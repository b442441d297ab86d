/** `tsrun restart` */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { TsrunError } from '../index.js';
import { chosenApp, reachApp } from './apps.js';
import type { Invocation } from './invocation.js';

/** Before the path of a file or folder. */
const filed = /^((?:oci|oci-archive|docker-archive|dir|slug|rootfs|bundle):)(.*)$/s;

export async function run({ flags, options: { stack }, positionals: [which], stdout }: Invocation): Promise<number> {
  if (stack !== undefined && which !== undefined) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', '--stack is about all dynos of an app', { hint: 'leave the dyno out' });
  const app = await reachApp(chosenApp(flags));
  await (stack === undefined ? app.restart(which) : app.redeploy({ stack: fromAnywhere(stack) }));
  const names = (await app.dynos()).map(({ name }) => name).filter((name) => which === undefined || name === which || name.startsWith(`${which}.`));
  stdout.write(names.map((name) => `${name}\n`).join(''));
  return 0;
}

/** The agent is in another folder. */
function fromAnywhere(image: string): string {
  const [, prefix = '', path = ''] = filed.exec(image) ?? [];
  if (prefix !== '') return `${prefix}${resolve(path)}`;
  return existsSync(image) ? resolve(image) : image;
}
