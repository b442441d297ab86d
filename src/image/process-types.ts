/** Programs of an image that have a name: `web`, `worker`. Cloud Native Buildpacks list them in a label (platform.md, "Labels"). */
import { parseJson, type JsonValue } from '../spec/json.js';
import { TsrunError, nearest } from '../spec/errors.js';
import { show } from '../spec/quote.js';
import type { ImageConfig } from './documents.js';

const buildMetadata = 'io.buildpacks.build.metadata';
/** The launcher is linked there under the name of each type, and knows by that what to start. */
const launcherFolder = '/cnb/process';

/** Names in the image's order; none for an image that has no such thing, or whose label cannot be read. */
export function processTypes({ config = {} }: ImageConfig): readonly string[] {
  const label = config.Labels?.[buildMetadata];
  if (label === undefined) return [];
  try {
    const metadata = parseJson(label, buildMetadata);
    const processes = member(metadata, 'processes');
    return Array.isArray(processes) ? processes.map((each) => member(each, 'type')).filter((type) => typeof type === 'string').filter(isType) : [];
  } catch {
    return [];
  }
}

/**
 * What to start for a type; arguments follow.
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT for one that the image does not have
 */
export function processEntrypoint(image: ImageConfig, type: string, name: string): readonly string[] {
  const types = processTypes(image);
  if (types.includes(type)) return [`${launcherFolder}/${type}`];
  const near = nearest(type, types);
  const message = types.length === 0 ? `image ${show(name)} lists no process types` : `image ${show(name)} has no process type ${show(type)}`;
  const hint = types.length === 0 ? 'name a program instead' : near === undefined ? `it has ${types.slice(0, 20).join(', ')}` : `did you mean ${show(near)}?`;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { field: '/process', hint });
}

/** It becomes the name of a file. */
function isType(type: string): boolean {
  return /^[A-Za-z0-9._-]{1,128}$/.test(type) && !/^\.{1,2}$/.test(type);
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
