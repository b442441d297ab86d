/** Whether an image's programs are for this machine: another processor's would fail with ENOEXEC, which tells nobody why. */
import { foreignInterpreter, hostArchitecture } from '../../host/binfmt.js';
import type { HostFacts } from '../../host/facts.js';
import type { Platform } from '../../image/documents.js';
import type { ResolvedImage } from '../../image/resolved-image.js';
import { TsrunError } from '../../spec/errors.js';
import { printable, show } from '../../spec/quote.js';

/** @returns what is to be known of one that only an interpreter can run @throws ERR_TSRUN_IMAGE */
export function checkPlatform({ config, name }: ResolvedImage, host: Pick<HostFacts, 'arch'>, interpreterFor = foreignInterpreter): string[] {
  if (config === undefined) return [];
  const own = `linux/${hostArchitecture(host)}`;
  const its = platformName(config);
  const differs = `image ${show(name)} is for ${printable(its)}, and this host is ${own}`;
  if (config.os !== 'linux') throw new TsrunError('ERR_TSRUN_IMAGE', differs, { hint: `get the image for ${own}` });
  if (config.architecture === hostArchitecture(host)) return [];
  const interpreter = interpreterFor(config.architecture);
  if (interpreter !== undefined) return [`${differs}: ${printable(interpreter, 400)} interprets its programs`];
  throw new TsrunError('ERR_TSRUN_IMAGE', differs, {
    hint: `get it with --platform ${own}, or register an interpreter in binfmt_misc with flag F (qemu-user-static)`,
  });
}

/** As it is asked for: `linux/arm64/v8`. */
export function platformName({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/');
}
