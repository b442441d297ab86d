/**
 * What an image says of the container that is to be made of it: image-spec's conversion.md, and docker's rules where it leaves a
 * choice. Pure; what an option says instead is decided by who asks (`container/build/`).
 */

import { TsrunError } from '../spec/errors.js';
import { normalPath } from '../spec/inner-path.js';
import { isUnsafe, show } from '../spec/quote.js';
import { readSignal } from '../spec/signals.js';
import type { ImageConfig, RunConfig } from './documents.js';

/** What may replace the image's own program. */
export interface ProgramChoice {
  readonly entrypoint?: readonly string[] | undefined;
  readonly command?: readonly string[] | undefined;
}

/** A new command follows the image's entrypoint; a new entrypoint takes the image's command away, as docker has it. */
export function imageProgram({ config = {} }: ImageConfig, { entrypoint, command }: ProgramChoice): readonly string[] {
  const own = entrypoint === undefined ? (config.Cmd ?? []) : [];
  return [...(entrypoint ?? config.Entrypoint ?? []), ...(command ?? own)];
}

/**
 * A container starts somewhere: where the image says nothing at the root, and what it says without a slash is meant from there. By its
 * words, as docker cleans it: a `..` takes the name before it away, wherever a link of that name may lead.
 */
export function imageWorkingDirectory({ config = {} }: ImageConfig): string {
  return normalPath(`/${config.WorkingDir ?? ''}`);
}

/** In any of the six forms of config.md. A part that is empty is as if it were not there, and no user is root, as docker and podman have it. */
export function imageUser({ config = {} }: ImageConfig): string {
  const [user = '', group = '', ...rest] = (config.User ?? '').split(':');
  return [user === '' ? '0' : user, ...(group === '' && rest.length === 0 ? [] : [group, ...rest])].join(':');
}

/** Folders that are to be written to without changing the root, those nearer to the root first; the root itself is no such folder. What has no slash in front is meant from there. */
export function imageVolumes({ config = {} }: ImageConfig): readonly string[] {
  const paths = new Set(Object.keys(config.Volumes ?? {}).map((path) => normalPath(`/${path}`)));
  paths.delete('/');
  return [...paths].sort();
}

/** It was checked by `checkRunConfig`. */
export function imageStopSignal({ config = {} }: ImageConfig): string | undefined {
  return config.StopSignal === '' ? undefined : config.StopSignal;
}

const prefix = 'org.opencontainers.image.';

/** Labels stand as they are, and win over what is derived (conversion.md, "Annotation Fields"). */
export function imageAnnotations(image: ImageConfig): Record<string, string> {
  const { config = {} } = image;
  const ports = Object.keys(config.ExposedPorts ?? {});
  const derived: Readonly<Record<string, string | undefined>> = {
    os: image.os,
    architecture: image.architecture,
    variant: image.variant,
    'os.version': image['os.version'],
    'os.features': image['os.features']?.join(','),
    author: image.author,
    created: image.created,
    stopSignal: config.StopSignal,
    exposedPorts: ports.length === 0 ? undefined : ports.join(','),
  };
  const told = Object.entries(derived).flatMap(([key, value]) => (value === undefined || value === '' ? [] : [[`${prefix}${key}`, value] as const]));
  return { ...Object.fromEntries(told), ...config.Labels };
}

/**
 * Documents are checked for their types when they are read; this is what a start asks of their words. Faults are the image's.
 *
 * @throws ERR_TSRUN_IMAGE
 */
export function checkRunConfig(image: ImageConfig, name: string): void {
  const { config = {} } = image;
  const refuse = (member: string, what: string, hint: string): never => {
    throw new TsrunError('ERR_TSRUN_IMAGE', `config of image ${show(name)}: ${member}: ${what}`, { hint });
  };
  for (const [member, texts] of textsOf(image, config)) {
    const unsafe = texts.find(isUnsafe);
    if (unsafe !== undefined) refuse(member, `${show(unsafe)} holds a NUL or half of a character`, 'the image is damaged or hostile; get it anew');
  }
  const nameless = config.Env?.find((entry) => !/^[^=]/.test(entry));
  if (nameless !== undefined) refuse('Env', `${show(nameless)} is not NAME=VALUE`, 'build the image anew');
  // A drive's letter and slashes are Windows's.
  const foreign = Object.keys(config.Volumes ?? {}).find((path) => path === '' || /^(?:[a-z]:|[^/]*\\)/i.test(path));
  if (foreign !== undefined) refuse('Volumes', `${show(foreign)} is not an absolute path`, 'build the image anew');
  if (Object.hasOwn(config.Labels ?? {}, '')) refuse('Labels', 'a label has no name', 'build the image anew');
  const signal = imageStopSignal(image);
  if (signal !== undefined && readSignal(signal) === undefined) refuse('StopSignal', `${show(signal)} is not a signal`, 'name one with --stop-signal');
}

function textsOf(image: ImageConfig, config: RunConfig): readonly (readonly [member: string, texts: readonly string[]])[] {
  return [
    ['os', [image.os, image['os.version'] ?? '', ...(image['os.features'] ?? [])]],
    ['architecture', [image.architecture, image.variant ?? '']],
    ['author', [image.author ?? '']],
    ['created', [image.created ?? '']],
    ['Env', config.Env ?? []],
    ['Entrypoint', config.Entrypoint ?? []],
    ['Cmd', config.Cmd ?? []],
    ['WorkingDir', [config.WorkingDir ?? '']],
    ['User', [config.User ?? '']],
    ['Volumes', Object.keys(config.Volumes ?? {})],
    ['ExposedPorts', Object.keys(config.ExposedPorts ?? {})],
    ['Labels', Object.entries(config.Labels ?? {}).flat()],
  ];
}
