/**
 * What Heroku's container runtime makes of an image (Dev Center, "Container Registry & Runtime"), so that what only works elsewhere does not work
 * here either: its ENTRYPOINT, CMD, ENV and WORKDIR count, and nothing else that it says.
 */
import type { RunOptions } from '../container/options/options.js';
import { randomNumber } from '../container/state/random.js';
import type { ImageConfig } from '../image/documents.js';
import { TsrunError } from '../spec/errors.js';
import { show } from '../spec/quote.js';

/** Whose rules an image is run by: see `FormationOptions.profile`. */
export type DynoProfile = 'heroku-container';

/** Of the container options: what there is no way to ask Heroku for. */
const withheld = ['user', 'groups', 'capAdd', 'capDrop', 'privileged', 'noNewPrivileges', 'sysctls', 'devices', 'mounts', 'imageVolumes', 'root', 'cwd'] as const satisfies readonly (keyof RunOptions)[];

/** Of a process type, or of all: the same. */
const fixed = ['stopSignal', 'delivery'] as const;

/** No distribution gives these, and no image that is known to have a user of its own. */
const [leastId, endOfIds] = [20_000, 60_000];

/** What each container has, whatever its image says: USER, VOLUME and STOPSIGNAL do not count. */
export function imposed(): Pick<RunOptions, 'user' | 'imageVolumes' | 'stopSignal'> {
  const id = randomNumber(leastId, endOfIds);
  return { user: `${id}:${id}`, imageVolumes: 'ignore', stopSignal: 'SIGTERM' };
}

/** A line is one word for the image's ENTRYPOINT, whatever that makes of it (docker-library/haproxy#29), else one for a login shell (heroku/cli#930). */
export function lineProgram(image: ImageConfig | undefined, line: string): Pick<RunOptions, 'entrypoint' | 'command'> {
  const entrypoint = image?.config?.Entrypoint ?? [];
  return { entrypoint: entrypoint.length === 0 ? ['/bin/sh', '-l', '-c'] : entrypoint, command: [line] };
}

/** CMD as the line that Heroku makes of it, escaped as Ruby's Shellwords does: its logs say `/bin/sh -c node\ run.js`. */
export function ownLine(words: readonly string[]): string {
  return words.map(escaped).join(' ');
}

/** Whether it has an ENTRYPOINT or not. */
export function commandMissing(image: string): TsrunError {
  return new TsrunError('ERR_TSRUN_IMAGE', `config of image ${show(image)}: Cmd: no command specified for process type web`, {
    hint: 'Heroku refuses an image without CMD, also one with an ENTRYPOINT: add CMD to its Dockerfile, or name the command of web',
  });
}

function escaped(word: string): string {
  return word === '' ? "''" : word.replaceAll(/[^\w\-.,:+/@\n]/gu, '\\$&').replaceAll('\n', "'\n'");
}

/** Of the options of a formation. */
export interface ProfiledOptions {
  readonly profile?: DynoProfile;
  readonly stopSignal?: string;
  readonly delivery?: string;
  readonly container?: Pick<RunOptions, (typeof withheld)[number]>;
  readonly processTypes?: Readonly<Record<string, { readonly stopSignal?: string; readonly delivery?: string; readonly health?: unknown }>>;
}

/** @throws ERR_TSRUN_INVALID_ARGUMENT for what is asked for against the profile */
export function checkProfile({ profile, container = {}, processTypes = {}, ...own }: ProfiledOptions): void {
  if (profile === undefined) return;
  const asked = [
    ...fixed.filter((name) => own[name] !== undefined).map((name) => `/${name}`),
    ...withheld.filter((name) => container[name] !== undefined).map((name) => `/container/${name}`),
    ...Object.entries(processTypes).flatMap(([type, options]) => [
      ...fixed.filter((name) => options[name] !== undefined).map((name) => `/processTypes/${type}/${name}`),
      ...(options.health === 'image' ? [`/processTypes/${type}/health`] : []),
    ]),
  ];
  const [field] = asked;
  if (field === undefined) return;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `option ${field}: the profile ${profile} has no such thing`, { field, hint: 'nor has Heroku: leave it out, or the profile' });
}

export function slugRefused(profile: DynoProfile, image: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `the profile ${profile} is about images, and ${show(image)} is a slug`, { field: '/profile', hint: 'leave it out: slugs are run as on Heroku anyway' });
}
