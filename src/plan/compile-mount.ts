/** A mount on the host, for looking inside: steps of the launcher alone. Nothing in it can be written, and no device or set-id bit counts. */
import type { HostFacts } from '../host/facts.js';
import { TsrunError } from '../spec/errors.js';
import { idMapText, mostLayers } from './compile-root.js';
import type { IdMaps } from '../spec/types.js';
import { groupLayers, layersOf } from './layers.js';
import { mountAttributes, privatePropagation } from './mount-options.js';
import { PlanBuilder, type Plan } from './plan.js';

export type MountSource =
  /** Layers over each other, topmost first; `maps` are of the container's that saw all of them but `upper`, which was written with their host ids. */
  | { readonly kind: 'layers'; readonly layers: readonly string[]; readonly upper?: string | undefined; readonly maps?: IdMaps | undefined; readonly emptyFolder: string }
  | { readonly kind: 'folder'; readonly folder: string }
  /** The root of a live container of the same launcher. */
  | { readonly kind: 'container'; readonly id: string };

export interface MountInput {
  readonly source: MountSource;
  /** A folder of the host, by a path without links. */
  readonly target: string;
  /** Whether links in it lead anywhere. */
  readonly followLinks: boolean;
  readonly host: HostFacts;
}

const field = 'mount';

export function compileMount({ source, target, followLinks, host }: MountInput): Plan {
  const builder = new PlanBuilder();
  const { readonly, nosuid, nodev, nosymfollow } = mountAttributes;
  const attributes = readonly | nosuid | nodev | (followLinks ? 0n : nosymfollow);
  const mount = source.kind === 'layers' ? layLayers(builder, source, attributes, host) : openOne(builder, source);
  builder.add(field, { op: 'setMount', mount, recursive: false, set: attributes, clear: 0, propagation: privatePropagation, idMap: null });
  builder.add(field, { op: 'mountOnHost', mount, target });
  return builder.finish();
}

function openOne(builder: PlanBuilder, source: Exclude<MountSource, { readonly kind: 'layers' }>): number {
  const into = builder.slot();
  builder.add(field, source.kind === 'folder' ? { op: 'openTree', path: source.folder, recursive: false, follow: true, into } : { op: 'openRoot', id: source.id, into });
  return into;
}

function layLayers(builder: PlanBuilder, { layers, upper, maps, emptyFolder }: Extract<MountSource, { readonly kind: 'layers' }>, attributes: bigint, host: HostFacts): number {
  if (!host.supports.overlay) throw new TsrunError('ERR_TSRUN_HOST', 'this kernel has no overlayfs, which layers are mounted with', { hint: 'load the module: modprobe overlay' });
  // Of one layer alone overlayfs makes no mount without an upper.
  const all = [...(upper === undefined ? [] : [upper]), ...layers, emptyFolder];
  if (all.length > mostLayers) throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `${all.length} layers are more than the ${mostLayers} that overlayfs takes`);
  const groups = groupLayers(all);
  const trees = groups.map(({ path, recursive }) => {
    const into = builder.slot();
    builder.add(field, { op: 'openTree', path, recursive, follow: true, into });
    return into;
  });
  let idMap: number | null = null;
  if (maps !== undefined) {
    idMap = builder.slot();
    builder.add(field, { op: 'makeIdMap', uidMap: idMapText(maps.uidMappings), gidMap: idMapText(maps.gidMappings), into: idMap });
  }
  for (const [index, { path, recursive }] of groups.entries()) {
    builder.add(field, { op: 'setMount', mount: trees[index] ?? -1, recursive, set: mountAttributes.nodev, clear: 0, propagation: privatePropagation, idMap: path === upper || path === emptyFolder ? null : idMap });
  }
  const { slots, folders } = layersOf(groups, trees);
  const into = builder.slot();
  // Without an upper layer the root has the image's own mode and owner.
  builder.add(field, { op: 'makeOverlay', layers: slots, folders, scratch: null, byDescriptor: host.supports.overlayLayerFds, dropResource: false, userXattr: false, attributes, into });
  return into;
}
