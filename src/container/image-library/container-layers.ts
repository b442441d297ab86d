/** Which layers the containers of a state root use, for who removes layers: in doubt it is an error, not a layer less. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { StoreUse } from '../../image/store/collect.js';
import { printable } from '../../spec/quote.js';
import { parseRecord, readStateFile } from '../state/state-files.js';
import { readMounts } from '../mounts/mount-records.js';
import { StateRoot } from '../state/state-root.js';

/**
 * Undefined when there is no such state root: a boot has taken it, and its containers. One that has ended counts until it is removed.
 *
 * @throws ERR_TSRUN_STATE for a record that is damaged
 */
export async function containerLayersOf(stateRoot: string): Promise<StoreUse[] | undefined> {
  const root = new StateRoot(stateRoot);
  if (!existsSync(root.containersPath)) return undefined;
  const all: StoreUse[] = [];
  // Also those with a dot before their name: they are being made.
  for (const entry of root.entries()) {
    const layers = layersIn(join(root.containersPath, entry, 'state.json'), entry);
    if (layers !== undefined) all.push(layers);
    // There may be thousands.
    await setImmediate();
  }
  // What is mounted counts as much.
  for (const { layers, digest, path } of readMounts(root.mountsPath)) all.push({ user: `the mount '${printable(path, 400)}'`, images: new Set(digest === undefined ? [] : [digest]), layers: new Set(layers) });
  return all;
}

function layersIn(path: string, id: string): StoreUse | undefined {
  const text = readStateFile(path, id)?.toString();
  if (text === undefined) return undefined;
  const record = parseRecord(text, path, id);
  const rootPath = member(record, 'rootPath');
  const lower: unknown = member(member(record, 'extensions'), 'lowerLayers');
  const listed: readonly unknown[] = Array.isArray(lower) ? lower : [];
  const images = [member(record, 'imageDigest'), member(record, 'stackDigest')];
  return { user: `the container '${printable(id, 100)}'`, images: new Set(images.filter(isText)), layers: new Set([rootPath, ...listed].filter(isText)) };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map<string, unknown>(Object.entries(value)).get(name) : undefined;
}
