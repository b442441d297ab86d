/**
 * Namespaces as they are asked for, by container, path or descriptor, told apart: what is this process's own is the host's,
 * by whatever name. What is set in it would change the host, so that the rules for shared ones hold.
 */
import { namespaceFiles, namespaceIdentity } from '../../host/namespace-files.js';
import type { ResolvedImage } from '../../image/resolved-image.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import type { NamespaceType } from '../../spec/types.js';
import { validateSpec } from '../../spec/validate.js';
import type { NamespaceChoice, RunOptions } from '../options/options.js';
import type { StateRoot } from '../state/state-root.js';
import { readSummary } from '../state/summary.js';

/**
 * The same options with paths in the place of names.
 *
 * @throws ERR_TSRUN_NOT_FOUND, ERR_TSRUN_STATE for a container to join that is not there or does not run
 */
export function resolveNamespaces(options: RunOptions, root: StateRoot): RunOptions {
  const { network, namespaces } = options;
  const resolve = (choice: NamespaceChoice, type: NamespaceType, field: string): NamespaceChoice => {
    if (typeof choice === 'string') return choice;
    const found = 'container' in choice ? { path: `/proc/${pidOf(choice.container, root, `${field}/container`)}/ns/${namespaceFiles[type]}` } : choice;
    return isOwn(found, type) ? 'host' : found;
  };
  const joined = typeof network === 'object' ? resolve(network, 'network', '/network') : undefined;
  const others: { -readonly [K in keyof NonNullable<RunOptions['namespaces']>]: NamespaceChoice } = { ...namespaces };
  for (const type of ['pid', 'ipc', 'uts', 'user', 'cgroup', 'time', 'mount'] as const) {
    const choice = others[type];
    if (choice !== undefined) others[type] = resolve(choice, type, `/namespaces/${type}`);
  }
  return { ...options, ...(joined !== undefined && joined !== 'new' && { network: joined }), ...(namespaces !== undefined && { namespaces: others }) };
}

/**
 * A bundle without those that its config.json joins by a path that is the host's: one that is not listed is shared.
 *
 * @throws ERR_TSRUN_INVALID_SPEC for what may be set only in a namespace that is not the host's
 */
export function withoutOwnNamespaces(image: ResolvedImage): ResolvedImage {
  const { linux } = image.spec ?? {};
  const isShared = ({ type, path }: { readonly type: NamespaceType; readonly path?: string }) => path !== undefined && isOwn({ path }, type);
  if (image.spec === undefined || linux?.namespaces?.some(isShared) !== true) return image;
  return { ...image, spec: validateSpec({ ...image.spec, linux: { ...linux, namespaces: linux.namespaces.filter((namespace) => !isShared(namespace)) } }) };
}

function pidOf(id: string, root: StateRoot, field: string): number {
  const summary = readSummary(root, id);
  if (summary === undefined) throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no container ${show(id)} to share a namespace with`, { field, hint: 'tsrun ps lists those that run' });
  if (summary.state !== 'stopped' && summary.pid !== undefined) return summary.pid;
  throw new TsrunError('ERR_TSRUN_STATE', `the container ${show(id)} does not run, so its namespaces are gone`, { field, hint: 'start it first: tsrun ps lists those that run' });
}

function isOwn(namespace: { readonly path: string } | { readonly fd: number }, type: NamespaceType): boolean {
  const own = namespaceIdentity({ path: `/proc/self/ns/${namespaceFiles[type]}` });
  return own !== undefined && own === namespaceIdentity(namespace);
}
