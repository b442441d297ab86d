/** What the runtime-spec has no words for. */

import { defaultLogBytes } from '../../spec/defaults.js';
import type { Extensions } from '../../spec/extensions.js';
import type { Spec } from '../../spec/types.js';
import { buildFiles } from './build-files.js';
import type { BuildInput } from './build-input.js';
import { kernelFiles } from './kernel-files.js';
import { attachedNetwork } from './build-network.js';
import type { NamespaceParts } from './build-namespaces.js';
import type { ResourceParts } from './build-resources.js';
import { writableVolumes } from './image-volumes.js';
import { landlockScopes } from './build-security.js';
import { ownsMounts } from './given-root.js';
import { rootMode } from './root-mode.js';

export interface ExtensionParts {
  readonly spec: Spec;
  readonly resources: ResourceParts;
  readonly parts: NamespaceParts;
}

export function buildExtensions(input: BuildInput, { parts, resources, spec }: ExtensionParts): Extensions {
  const { options, image, host, resolvConf } = input;
  const network = attachedNetwork(options);
  const files = parts.standing.mount !== 'new' ? {} : buildFiles({ options, isBundle: image.kind === 'bundle', hostname: spec.hostname, isOffline: parts.standing.network === 'new' && network === undefined, resolvConf, mounts: spec.mounts ?? [] });
  const covers = parts.standing.mount !== 'new' ? {} : kernelFiles(options.shownLimits ?? {}, input.cpuinfo ?? '');
  // To be strict is to ask for the defaults: what was asked for and cannot be held is an error.
  const defaulted = options.strict === true ? [] : resources.defaulted;
  const survive = options.survive === true;
  const root = rootMode(input);
  const writable = root.kind === 'read-only' ? writableVolumes(input.volumes ?? [], spec.mounts ?? []) : [];
  return {
    root,
    ...(image.lowerLayers !== undefined && image.lowerLayers.length > 0 && ownsMounts(options, image) && { lowerLayers: image.lowerLayers }),
    ...(writable.length > 0 && { writablePaths: writable }),
    ...(options.init === true && { init: true }),
    ...(landlockScopes(options, host) && { landlockScopes: true }),
    ...(survive && { survive }),
    autoRemove: options.autoRemove ?? true,
    ...((options.log ?? survive) && { log: { maxBytes: defaultLogBytes } }),
    ...(Object.keys(files).length > 0 && { files }),
    ...(Object.keys(covers).length > 0 && { kernelFiles: covers }),
    ...(options.pressure !== undefined && options.pressure.length > 0 && { pressure: [...new Set(options.pressure)] }),
    ...(Object.keys(parts.fds).length > 0 && { namespaceFds: parts.fds }),
    ...(network !== undefined && { network }),
    ...(defaulted.length > 0 && { defaultedLimits: defaulted }),
  };
}
