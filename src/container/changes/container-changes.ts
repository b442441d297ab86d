/** What a container has changed of its image: its upper layer, against the layers below. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HostFacts } from '../../host/facts.js';
import type { PathChange } from '../../image/image-types.js';
import { layFolder } from '../../image/layer-changes.js';
import { LayerComparison } from '../../image/layer-comparison.js';
import { resolveInLayers, type IsOpaque } from '../../image/layered-files.js';
import { Namespaces } from '../../plan/namespaces.js';
import { TsrunError } from '../../spec/errors.js';
import type { Archiver } from '../archiver/archiver.js';
import type { Place } from '../archiver/run.js';
import type { Container } from '../container.js';
import { readIdMaps } from '../../host/joined-maps.js';
import type { ContainerRecord } from '../state/record.js';
import { changesOfProgram, type OwnPaths } from './own-paths.js';
import { ownersBelow, ownersInUpper, type IdMaps } from './owners.js';
import { Upper } from './upper.js';

export interface ChangesInput {
  readonly record: ContainerRecord;
  /** Undefined of one that has ended. */
  readonly live: Container | undefined;
  readonly archiver: Archiver;
  readonly host: HostFacts;
  readonly isOpaque: IsOpaque;
  readonly signal?: AbortSignal | undefined;
}

/** @throws ERR_TSRUN_STATE where what it wrote is gone, ERR_TSRUN_UNSUPPORTED where nobody kept it apart, ERR_TSRUN_ABORTED, ERR_TSRUN_STORE */
export async function readChanges(input: ChangesInput): Promise<PathChange[]> {
  const { record, archiver, host, isOpaque, signal } = input;
  const tree = upperTree(input);
  if (tree === undefined) return [];
  const maps = idMapsOf(input);
  const upper = new Upper(ownersInUpper(maps));
  for await (const entry of archiver.list({ ...tree, signal })) upper.add(entry);
  const layers = [record.rootPath, ...(record.extensions.lowerLayers ?? [])];
  const comparison = new LayerComparison();
  const below = { isOpaque, signal, owners: ownersBelow(maps, host), wants: (path: string) => upper.concerns(path) };
  for (const layer of layers.toReversed()) await layFolder(comparison, layer, below);
  upper.layOver(comparison);
  return changesOfProgram(comparison.finish().layers.at(-1)?.changes ?? [], await ownPaths(input, layers, upper, tree));
}

interface Tree {
  readonly place: Place;
  readonly path: string;
}

/** Undefined where nothing can be written. */
function upperTree({ record, live }: ChangesInput): Tree | undefined {
  const { id, extensions: { root = { kind: 'writable' } }, spec } = record;
  if (root.kind === 'read-only') return undefined;
  if (root.kind === 'writable' || !new Namespaces(spec.linux, record.extensions.namespaceFds).isNew('mount')) {
    throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `what the container '${id}' changes is kept nowhere: it writes to its root itself`, {
      hint: 'run it without --writable: what is written to a disposable root lies in a layer of its own',
    });
  }
  if (root.disk !== undefined) {
    const folder = join(root.disk.folder, 'upper');
    if (existsSync(folder)) return { place: { folder }, path: '.' };
    throw new TsrunError('ERR_TSRUN_STATE', `what the container '${id}' wrote is gone`, { hint: 'it is kept until the container is removed' });
  }
  if (live !== undefined) return { place: { upperOf: live }, path: 'upper' };
  throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' has ended, and what it wrote was in memory`, { hint: 'with --storage-opt type=disk it is kept until rm' });
}

/** Those of a namespace that was joined the kernel knows alone. */
function idMapsOf({ record: { spec, extensions }, live }: ChangesInput): IdMaps {
  const { linux } = spec;
  const namespaces = new Namespaces(linux, extensions.namespaceFds);
  if (namespaces.isNew('user')) return { uidMappings: linux?.uidMappings, gidMappings: linux?.gidMappings };
  return (namespaces.isJoined('user') && live !== undefined ? readIdMaps(`/proc/${live.pid}`) : undefined) ?? {};
}

async function ownPaths({ record: { spec, extensions }, archiver, isOpaque, signal }: ChangesInput, layers: readonly string[], upper: Upper, { place, path }: Tree): Promise<OwnPaths> {
  const resolved = (inner: string) => resolveInLayers(layers, inner, isOpaque);
  const files: string[] = [];
  for (const [name, text] of Object.entries(extensions.files ?? {})) {
    const content = Buffer.from(text);
    const file = resolved(name);
    if (upper.sizeOf(file) !== content.length) continue;
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    for await (const entry of archiver.list({ place, path: join(path, file), content: true, signal })) if (entry.content === digest) files.push(file);
  }
  const mounts = ['/dev', ...(spec.mounts ?? []).map(({ destination }) => destination)].map(resolved).filter((each) => each !== '/');
  return { mounts, files, folders: [resolved(spec.process?.cwd ?? '/')] };
}
