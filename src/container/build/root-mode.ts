/** What becomes of writes to the root file system. */
import type { HostFacts } from '../../host/facts.js';
import { replacesFolders } from '../../host/probe.js';
import { defaultMemoryFsBytes } from '../../spec/defaults.js';
import type { RootMode } from '../../spec/extensions.js';
import { ownsMounts } from './given-root.js';
import { parseSize } from '../../spec/size.js';
import type { BuildInput } from './build-input.js';

export function rootMode({ options, image, upper }: Pick<BuildInput, 'options' | 'image' | 'upper'>): RootMode {
  if (!ownsMounts(options, image)) return { kind: 'writable' };
  const kind = options.root ?? (image.spec?.root?.readonly === true ? 'read-only' : 'disposable');
  if (kind !== 'disposable') return { kind };
  if (upper !== undefined) return { kind, sizeBytes: options.rootBytes === undefined ? 0 : parseSize(options.rootBytes), disk: upper };
  return { kind, sizeBytes: options.rootBytes === undefined ? defaultMemoryFsBytes : parseSize(options.rootBytes) };
}

/** What is not as it should be in such a root on this host, as a sentence; undefined when nothing. */
export function rootLack(mode: RootMode | undefined, host: HostFacts): string | undefined {
  if (mode?.kind !== 'disposable' || mode.disk !== undefined || replacesFolders(host)) return undefined;
  return `folders of the image cannot be removed or replaced in a disposable root: for an ordinary user that needs Linux 6.6, and this is ${host.kernel.release}`;
}
