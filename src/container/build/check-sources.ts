/**
 * What is to be mounted of the host is looked up before anything is made. What changes meanwhile the step tells of, and so it does where
 * only the launcher could look.
 */
import { stat } from '../../host/files.js';
import type { ResolvedImage } from '../../image/resolved-image.js';
import { isBind } from '../../spec/bind.js';
import { errnoName } from '../../spec/errno.js';
import { Faults } from '../../spec/faults.js';
import { normalPath } from '../../spec/inner-path.js';
import { printable } from '../../spec/quote.js';
import type { Mount, Spec } from '../../spec/types.js';
import { ownsMounts } from './given-root.js';
import type { RunOptions } from '../options/options.js';

const reasons: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  ENOENT: ['does not exist on the host', 'make it first: a missing source is never made'],
  ENOTDIR: ['does not exist on the host: a part of the path is a file', 'check the path'],
  ELOOP: ['is a link of the host to itself', 'name the file or folder itself'],
};

/** @throws ERR_TSRUN_INVALID_ARGUMENT for a mount of the options; ERR_TSRUN_INVALID_SPEC for one of the bundle */
export async function checkSources({ mounts = [] }: Spec, options: RunOptions, image: ResolvedImage): Promise<void> {
  if (!ownsMounts(options, image)) return;
  const looked = await Promise.all(mounts.filter(isBind).map(async (mount) => ({ mount, errno: await lookUp(mount.source ?? '') })));
  const [ofOptions, ofBundle] = [new Faults(), new Faults()];
  for (const { mount, errno = '' } of looked) {
    const [why, hint] = reasons[errno] ?? [];
    const inBundle = image.spec?.mounts?.indexOf(mount) ?? -1;
    const [faults, index] = inBundle >= 0 ? [ofBundle, inBundle] : [ofOptions, indexOf(mount, options)];
    if (why !== undefined && index >= 0) faults.add(`/mounts/${index}/source`, `'${printable(mount.source ?? '', 400)}' ${why}`, hint);
  }
  ofOptions.throwIfAny('ERR_TSRUN_INVALID_ARGUMENT', 'option');
  ofBundle.throwIfAny('ERR_TSRUN_INVALID_SPEC', 'spec');
}

/** No two of the options have one place. Negative for a mount of the runtime's own. */
function indexOf({ destination }: Mount, { mounts = [] }: RunOptions): number {
  return mounts.findIndex((option) => normalPath(option.destination) === destination);
}

/** The errno, where there is one. Not on the event loop: a file system of the network may take its time. */
async function lookUp(path: string): Promise<string | undefined> {
  return stat(path).then(() => undefined, errnoName);
}
