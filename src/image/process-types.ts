/**
 * Programs of an image that have a name: `web`, `worker`. Cloud Native Buildpacks list them in a label (platform.md, "Labels") and link
 * their launcher under each name; of a slug they are the lines of its Procfile, kept in a label of its config.
 */
import { TsrunError, nearest } from '../spec/errors.js';
import { parseJson, type JsonValue } from '../spec/json.js';
import { show } from '../spec/quote.js';
import type { ImageConfig } from './documents.js';

const buildMetadata = 'io.buildpacks.build.metadata';
/** Makes the environment of an app of buildpacks; one argument is a line for the shell (platform.md, "Launcher"). */
export const launcher = '/cnb/lifecycle/launcher';
const slugTypes = 'tsrun.process-types';

/** Names in the image's order; none for an image that has no such thing, or whose label cannot be read. */
export function processTypes(image: ImageConfig): readonly string[] {
  return [...new Set([...slugCommands(image).keys(), ...buildpackTypes(image)])];
}

/** Of Cloud Native Buildpacks. */
export function isBuildpackImage({ config = {} }: ImageConfig): boolean {
  return config.Labels?.[buildMetadata] !== undefined;
}

/** An app alone, which boots with the shell of what lies below it. */
export function isSlug({ config = {} }: ImageConfig): boolean {
  return config.Labels?.[slugTypes] !== undefined;
}

export interface ProcessChoice {
  readonly type: string;
  /** What follows the type's own arguments, as words. */
  readonly extra: readonly string[];
}

/**
 * Program and arguments for a type.
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT for one that the image does not have
 */
export function processProgram(image: ImageConfig, { type, extra }: ProcessChoice, name: string): readonly string[] {
  const command = slugCommands(image).get(type);
  // A slug's entrypoint takes one word as a line for the shell.
  if (command !== undefined) return [...(image.config?.Entrypoint ?? ['sh', '-c']), [command, ...extra.map(shellWord)].join(' ')];
  if (buildpackTypes(image).includes(type)) return [launcherOf(type), ...extra];
  const types = processTypes(image);
  const near = nearest(type, types);
  const message = types.length === 0 ? `image ${show(name)} lists no process types` : `image ${show(name)} has no process type ${show(type)}`;
  const hint = types.length === 0 ? 'name a program instead' : near === undefined ? `it has ${types.slice(0, 20).map((each) => show(each)).join(', ')}` : `did you mean ${show(near)}?`;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { field: '/process', hint });
}

/** The launcher under the name by which it knows what to start. */
export function launcherOf(type: string): string {
  return `/cnb/process/${type}`;
}

/** What a type runs, for people: a slug's line, or what the label says that the launcher starts. */
export function processCommand(image: ImageConfig, type: string): string | undefined {
  const line = slugCommands(image).get(type);
  if (line !== undefined) return line;
  const process = buildpackProcesses(image).find((each) => member(each, 'type') === type);
  // One word before Platform API 0.10, a list since.
  const words = [member(process, 'command'), member(process, 'args')].flat().filter((word) => typeof word === 'string');
  return words.length === 0 ? undefined : words.join(' ');
}

function slugCommands(image: ImageConfig): ReadonlyMap<string, string> {
  const types = labelled(image, slugTypes);
  if (typeof types !== 'object' || types === null || Array.isArray(types)) return new Map();
  return new Map(Object.entries(types).flatMap(([type, command]) => (typeof command === 'string' ? [[type, command] as const] : [])));
}

function buildpackTypes(image: ImageConfig): readonly string[] {
  return buildpackProcesses(image).map((each) => member(each, 'type')).filter((type) => typeof type === 'string').filter(isFileName);
}

function buildpackProcesses(image: ImageConfig): readonly JsonValue[] {
  const processes = member(labelled(image, buildMetadata), 'processes');
  return Array.isArray(processes) ? processes : [];
}

function labelled({ config = {} }: ImageConfig, label: string): JsonValue | undefined {
  const text = config.Labels?.[label];
  try {
    return text === undefined ? undefined : parseJson(text, label);
  } catch {
    return undefined;
  }
}

function isFileName(type: string): boolean {
  return /^[A-Za-z0-9._-]{1,128}$/.test(type) && !/^\.{1,2}$/.test(type);
}

/** A word as a shell reads it. */
export function shellWord(word: string): string {
  return /^[\w%+,./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
