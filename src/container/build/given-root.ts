/**
 * A container in a mount namespace that is there already: its root and its mounts are that one's, which others see as well.
 * So nothing of an image is used, and nothing is mounted or written there before the program starts.
 */
import type { ResolvedImage } from '../../image/resolved-image.js';
import type { Faults } from '../../spec/faults.js';
import { makesNamespace } from '../../spec/namespaces.js';
import { show } from '../../spec/quote.js';
import type { Standing } from './build-namespaces.js';
import type { RunOptions } from '../options/options.js';

/** Does the container get a mount namespace of its own? */
export function ownsMounts({ namespaces: { mount } = {} }: RunOptions, { spec }: ResolvedImage): boolean {
  if (mount !== undefined) return mount === 'new';
  return spec === undefined || makesNamespace(spec.linux, 'mount');
}

/** Where its files can be read from here: empty for a namespace of which no process is named whose root could be looked into. */
export function visibleRoot(options: RunOptions, image: ResolvedImage): string {
  if (ownsMounts(options, image)) return image.rootPath;
  const choice = options.namespaces?.mount ?? image.spec?.linux?.namespaces?.find(({ type }) => type === 'mount') ?? 'host';
  if (typeof choice === 'string') return '/';
  const process = 'path' in choice ? /^(\/proc\/(?:\d+|self))\/ns\/mnt$/.exec(choice.path ?? '')?.[1] : undefined;
  return process === undefined ? '' : `${process}/root`;
}

const ownMountOptions = ['root', 'rootBytes', 'rootStorage', 'mounts', 'imageVolumes', 'shmBytes', 'dns', 'addHosts', 'systemPaths'] as const;

export interface GivenRootInput {
  readonly options: RunOptions;
  readonly image: ResolvedImage;
  readonly standing: { readonly mount: Standing };
}

export function checkGivenRoot({ options, image, standing }: GivenRootInput, faults: Faults): void {
  if (standing.mount === 'new') return;
  const its = standing.mount === 'host' ? "its root and mounts are the host's" : 'its root and mounts are those of the namespace that it joins';
  const way = options.namespaces?.mount === undefined ? 'give the container its own with --mountns private' : 'drop --mountns';
  const why = `the container has no mount namespace of its own: ${its}`;
  if (image.kind !== 'bundle' && image.rootPath !== '/') faults.add('/namespaces/mount', `${why}, and not those of ${show(image.name)}`, `name / as the image, or ${way}`);
  for (const name of ownMountOptions) {
    if (options[name] !== undefined) faults.add(`/${name}`, why, `leave it out, or ${way}`);
  }
  (options.devices ?? []).forEach(({ source, destination = source }, index) => {
    if (destination !== source) faults.add(`/devices/${index}/destination`, why, 'leave it out: the rule holds for the device as it is there');
  });
}
