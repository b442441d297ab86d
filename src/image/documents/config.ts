/** Bytes → the image's config, as image-spec's config.md and docker have it. */
import { parseLooseJsonBytes, type JsonObject, type JsonValue } from '../../spec/json.js';
import { isUnsafe, printable, withoutUnsafe } from '../../spec/quote.js';
import { array, boolean, integer, oneOf, optional, text } from '../../spec/shape.js';
import type { Healthcheck, HistoryEntry, ImageConfig, ImageManifest, RunConfig } from '../documents.js';
import { fillPlatform } from './platform.js';
import { assertDocument, digest, documentError, fillLists, filled, isJsonObject, known, objectsIn, readJsonObject, set, texts } from './shapes.js';

const duration = optional(integer(0, Number.MAX_SAFE_INTEGER));

const healthcheck = known<Healthcheck>({
  Test: optional(array(text())),
  Interval: duration,
  Timeout: duration,
  StartPeriod: duration,
  StartInterval: duration,
  Retries: duration,
});

const runConfig = known<RunConfig>({
  User: optional(text()),
  ExposedPorts: optional(set),
  Env: optional(array(text())),
  Entrypoint: optional(array(text())),
  Cmd: optional(array(text())),
  Volumes: optional(set),
  WorkingDir: optional(text()),
  Labels: optional(texts),
  StopSignal: optional(text()),
  Healthcheck: optional(healthcheck),
});

const historyEntry = known<HistoryEntry>({
  created: optional(text()),
  created_by: optional(text()),
  author: optional(text()),
  comment: optional(text()),
  empty_layer: optional(boolean),
});

const configShape = known<ImageConfig>({
  os: filled,
  architecture: filled,
  variant: optional(text()),
  created: optional(text()),
  author: optional(text()),
  'os.version': optional(text()),
  'os.features': optional(array(text())),
  config: optional(runConfig),
  rootfs: known<ImageConfig['rootfs']>({ type: oneOf('a kind of root file system', ['layers']), diff_ids: array(digest) }),
  history: optional(array(historyEntry)),
});

/**
 * @param source names the document in errors: `the config of 'alpine.tar'`
 * @throws ERR_TSRUN_IMAGE
 */
export function readConfig(bytes: Uint8Array, source: string): ImageConfig {
  const value = readJsonObject(bytes, source, parseLooseJsonBytes);
  forPeople(value, ['created', 'author']);
  for (const step of objectsIn(value['history'])) forPeople(step, ['created', 'created_by', 'author', 'comment']);
  const rootfs = member(value, 'rootfs');
  if (rootfs !== undefined) fillLists(rootfs, 'diff_ids');
  const run = member(value, 'config');
  if (run !== undefined) for (const key of ['Entrypoint', 'Cmd']) run[key] = listOf(run[key] ?? null);
  fillPlatform(value);
  assertDocument(configShape, value, source);
  refuseUnsafeNames(value, source);
  return value;
}

/** @throws ERR_TSRUN_IMAGE unless the config speaks of as many layers as the image has */
export function checkLayerCount(layers: number, config: ImageConfig, source: string): void {
  const expected = config.rootfs.diff_ids.length;
  if (layers !== expected) throw documentError(`${source} has ${count(layers)}, but its config speaks of ${expected}`);
  if (layers === 0) throw documentError(`${source} has no layers: there is nothing in it to run`, 'add something to it first');
}

/** @throws ERR_TSRUN_IMAGE unless both documents speak of the same layers, and of at least one */
export function checkImage(manifest: ImageManifest, config: ImageConfig, source: string): void {
  checkLayerCount(manifest.layers.length, config, source);
}

/** Tools write into these whatever a build's command was, and every engine runs such an image. */
function forPeople(object: JsonObject, keys: readonly string[]): void {
  for (const key of keys) {
    const text = object[key];
    if (typeof text === 'string') object[key] = withoutUnsafe(text);
  }
}

/** Texts were looked at with their types; these are names. */
function refuseUnsafeNames({ config = {} }: ImageConfig, source: string): void {
  const name = [config.Labels, config.Volumes, config.ExposedPorts].flatMap((each) => Object.keys(each ?? {})).find(isUnsafe);
  if (name !== undefined) throw documentError(`${source}: NUL or half of a surrogate pair in "${printable(name)}"`, 'the image is damaged or hostile; get it anew');
}

/** Docker once wrote a single word as text, and still reads it so. */
function listOf(value: JsonValue): JsonValue {
  return typeof value === 'string' ? [value] : value;
}

function member(value: JsonObject, key: string): JsonObject | undefined {
  const found = value[key];
  return isJsonObject(found) ? found : undefined;
}

function count(layers: number): string {
  return layers === 1 ? '1 layer' : `${layers} layers`;
}
