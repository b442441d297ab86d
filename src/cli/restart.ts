/** `tsrun restart` */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { TsrunError } from '../index.js';
import { chosenApp, reachApp } from './apps.js';
import type { Invocation } from './invocation.js';

/** Before the path of a file or folder. */
const filed = /^((?:oci|oci-archive|docker-archive|dir|slug|rootfs|bundle):)(.*)$/s;

export async function run({ flags, options: { stack }, positionals: [which], stdout }: Invocation): Promise<number> {
  const { newImage: image, preboot, rolling } = flags;
  const isRedeployed = image !== undefined || stack !== undefined;
  if (isRedeployed && which !== undefined) throw refused('are about all dynos of an app', 'leave the dyno out');
  if (isRedeployed && rolling === false) throw refused('take one dyno after the other', 'leave --rolling out');
  const app = await reachApp(chosenApp(flags));
  const how = { ...(preboot !== undefined && { preboot }) };
  if (isRedeployed) await app.redeploy({ ...how, ...(image !== undefined && { image: fromAnywhere(image) }), ...(stack !== undefined && { stack: fromAnywhere(stack) }) });
  else await app.restart(which, { ...how, ...(rolling !== undefined && { rolling }) });
  const names = (await app.dynos()).map(({ name }) => name).filter((name) => which === undefined || name === which || name.startsWith(`${which}.`));
  stdout.write(names.map((name) => `${name}\n`).join(''));
  return 0;
}

function refused(why: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `--image and --stack ${why}`, { hint });
}

/** The agent is in another folder. */
function fromAnywhere(image: string): string {
  const [, prefix = '', path = ''] = filed.exec(image) ?? [];
  if (prefix !== '') return `${prefix}${resolve(path)}`;
  return existsSync(image) ? resolve(image) : image;
}
