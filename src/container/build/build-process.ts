/** The program: what is run, as whom, where, with which environment. */

import type { ResolvedImage } from '../../image/resolved-image.js';
import { isSlug, processProgram } from '../../image/process-types.js';
import { imageProgram, imageUser, imageWorkingDirectory } from '../../image/run-config.js';
import type { ResolvedUser } from '../../image/users.js';
import { defaultEnvironment, defaultTerm, defaultUmask } from '../../spec/defaults.js';
import { TsrunError } from '../../spec/errors.js';
import type { Faults } from '../../spec/faults.js';
import { normalPath } from '../../spec/inner-path.js';
import { show } from '../../spec/quote.js';
import type { Capabilities, Process, User } from '../../spec/types.js';
import { buildRlimits } from './build-resources.js';
import type { RunOptions } from '../options/options.js';

export interface ProcessInput {
  readonly options: RunOptions;
  readonly image: ResolvedImage;
  readonly user: ResolvedUser;
  readonly maxNofile: number;
  /** Absent where the container shares the host's name. */
  readonly hostname: string | undefined;
  readonly capabilities: Capabilities | undefined;
  readonly standIn?: string | undefined;
}

export function buildProcess(input: ProcessInput, faults: Faults): Process {
  const { options, image, capabilities, maxNofile } = input;
  const base = image.spec?.process;
  const terminal = options.terminal === undefined ? base?.terminal : options.terminal !== false;
  const size = typeof options.terminal === 'object' ? { height: options.terminal.rows, width: options.terminal.columns } : base?.consoleSize;
  const rlimits = buildRlimits({ ulimits: options.ulimits, base: image.spec === undefined ? undefined : (base?.rlimits ?? []), maxNofile }, faults);
  const privileges = noNewPrivileges(options, base, image.kind === 'bundle');
  return {
    ...base,
    ...(terminal !== undefined && { terminal }),
    ...(size !== undefined && { consoleSize: size }),
    user: processUser(input, base?.user),
    args: programArgs(input),
    env: environment(input, terminal === true),
    cwd: workingDirectory(options, image),
    ...(capabilities !== undefined && { capabilities }),
    rlimits,
    ...(privileges !== undefined && { noNewPrivileges: privileges }),
    ...(options.apparmor !== undefined && { apparmorProfile: options.apparmor }),
    ...(options.oomScoreAdj !== undefined && { oomScoreAdj: options.oomScoreAdj }),
  };
}

/** The caller's by its words, as the image's. What a bundle says is for the kernel. */
function workingDirectory({ cwd }: RunOptions, { config, spec }: ResolvedImage): string {
  if (cwd !== undefined) return normalPath(cwd);
  return spec?.process?.cwd ?? (config === undefined ? '/' : imageWorkingDirectory(config));
}

function noNewPrivileges(options: RunOptions, base: Process | undefined, isBundle: boolean): boolean | undefined {
  if (options.noNewPrivileges !== undefined) return options.noNewPrivileges;
  if (options.privileged === true) return false;
  return isBundle ? base?.noNewPrivileges : true;
}

/** What the options or the image have to run; empty where neither says. */
export function namedProgram({ entrypoint, command, process }: RunOptions, { config, spec, name }: ResolvedImage): readonly string[] {
  // Its entrypoint is a shell that boots what follows: alone it would do nothing, and that well.
  const bootsNothing = config !== undefined && isSlug(config) && [process, entrypoint, command].every((each) => each === undefined) && (config.config?.Cmd ?? []).length === 0;
  if (bootsNothing) return [];
  if (process !== undefined && config !== undefined) return processProgram(config, { type: process, extra: command ?? [] }, name);
  if (config !== undefined) return imageProgram(config, { entrypoint, command });
  return entrypoint === undefined && command === undefined ? (spec?.process?.args ?? []) : [...(entrypoint ?? []), ...(command ?? [])];
}

/** A new entrypoint takes the image's command away, as docker has it; a bundle does not tell one from the other. */
function programArgs({ options, image, standIn }: ProcessInput): string[] {
  const { entrypoint } = options;
  const args = namedProgram(options, image);
  if (args.length === 0) {
    if (standIn !== undefined) return [standIn];
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `no command to run, and image ${show(image.name)} names none`, {
      field: '/command',
      hint: 'give it after the image, such as /bin/sh',
    });
  }
  if (args[0] === '') {
    const isImages = entrypoint?.[0] !== '' && options.command?.[0] !== '';
    if (isImages) throw new TsrunError('ERR_TSRUN_IMAGE', `image ${show(image.name)} names a program without a name`, { hint: 'name one with --entrypoint' });
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'the name of the program is empty', { field: entrypoint?.[0] === '' ? '/entrypoint/0' : '/command/0', hint: 'name a program' });
  }
  return [...args];
}

/**
 * The user that `resolveUser` is to look up: the option, else the image's or the bundle's, else root with root's groups, as docker has it.
 */
export function userToResolve(options: RunOptions, image: ResolvedImage): string {
  const base = image.spec?.process?.user;
  if (options.user !== undefined) return options.user;
  if (image.config !== undefined) return imageUser(image.config);
  return base === undefined ? '0' : `${base.uid}:${base.gid}`;
}

function processUser({ options, user }: ProcessInput, base: User | undefined): User {
  const umask = options.umask ?? (base === undefined ? defaultUmask : base.umask);
  const mask = umask !== undefined && { umask };
  if (base === undefined || options.user !== undefined) {
    return { uid: user.uid, gid: user.gid, ...mask, additionalGids: [...user.additionalGids] };
  }
  if (options.groups === undefined || options.groups.length === 0) return { ...base, ...mask };
  return { ...base, ...mask, additionalGids: [...new Set([...(base.additionalGids ?? []), ...user.additionalGids])] };
}

export function environment({ options, image, user, hostname }: Omit<ProcessInput, 'maxNofile' | 'capabilities'>, terminal: boolean): string[] {
  const isBundle = image.spec !== undefined;
  // A bundle says what it wants; runtimes add a home where it has none.
  const defaults = isBundle
    ? { HOME: user.home, ...(terminal && options.terminal !== undefined && { TERM: defaultTerm }) }
    : defaultEnvironment({ hostname, home: user.home, terminal });
  return layerEnvironment(defaults, image.config?.config?.Env ?? image.spec?.process?.env ?? [], options.env ?? {});
}

export interface ExecEnvironment {
  /** The container's own. */
  readonly base: readonly string[];
  readonly terminal: boolean;
  /** Of the user that was asked for; absent where it is the container's own. */
  readonly home: string | undefined;
  readonly asked: Environment;
}

/** Of a further program: another user's home is not the one that the container's own user has. */
export function execEnvironment({ base, terminal, home, asked }: ExecEnvironment): string[] {
  return layerEnvironment(terminal ? { TERM: defaultTerm } : {}, base, home === undefined ? {} : { HOME: home }, asked);
}

type Environment = Readonly<Record<string, string | undefined>>;

/** One entry a name, the later layer's: with two, some programs would see the first and some the last. */
function layerEnvironment(defaults: Environment, base: readonly string[], ...asked: readonly Environment[]): string[] {
  const entries = new Map<string, string>();
  const setAll = (layer: Environment) => {
    for (const [name, value] of Object.entries(layer)) if (value !== undefined) entries.set(name, `${name}=${value}`);
  };
  setAll(defaults);
  for (const entry of base) entries.set(entry.split('=', 1)[0] ?? '', entry);
  for (const layer of asked) setAll(layer);
  return [...entries.values()];
}
