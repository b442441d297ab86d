/** What the dynos of a process type run: a line of a Procfile, a process type of the image, or the image's own program. */
import { resolve } from 'node:path';
import type { RunOptions } from '../container/options/options.js';
import type { Runtime } from '../container/runtime.js';
import type { Healthcheck, ImageConfig } from '../image/documents.js';
import type { ImageProgress, ResolveImageOptions } from '../image/image-types.js';
import { isBuildpackImage, isSlug, launcher, launcherOf, processCommand, processProgram, processTypes, shellWord } from '../image/process-types.js';
import { imageProgram, imageUser } from '../image/run-config.js';
import { TsrunError, nearest } from '../spec/errors.js';
import { show } from '../spec/quote.js';
import { releaseType } from './one-off/release.js';
import { commandMissing, lineProgram, ownLine, slugRefused, type DynoProfile } from './profile.js';

export type ImageOptions = Pick<RunOptions, 'stack' | 'pull' | 'platform' | 'checksum' | 'tlsVerify' | 'authFile' | 'imageLimits' | 'onImageProgress'>;

export interface SourceOptions extends ImageOptions {
  readonly profile?: DynoProfile;
}

export interface Program {
  /** As the log shows it. */
  readonly text: string;
  readonly options: Pick<RunOptions, 'process' | 'entrypoint' | 'command'>;
}

/** Nobody but who asks for it is root in a dyno: what an image says otherwise does not count, as on Heroku. */
const dynoUser = '1000:1000';

/** Under which an image is found again, wherever the caller is by then and whatever becomes of its name: its digest, or the path of its folder. */
export interface PinnedImage {
  readonly image: string;
  readonly stack?: string;
}

export class ProgramSource {
  readonly pinned: PinnedImage;
  readonly #image: string;
  readonly #config: ImageConfig | undefined;
  readonly #lines: ReadonlyMap<string, string>;
  readonly #profile: DynoProfile | undefined;

  private constructor(pinned: PinnedImage, image: string, config: ImageConfig | undefined, lines: ReadonlyMap<string, string>, profile: DynoProfile | undefined) {
    this.pinned = pinned;
    this.#image = image;
    this.#config = config;
    this.#lines = lines;
    this.#profile = profile;
    if (profile !== undefined && config !== undefined && isSlug(config)) throw slugRefused(profile, image);
  }

  /** Has the image fetched and unpacked, and what lies below it, so that no start waits for it. A folder says nothing of itself. */
  static async open(runtime: Runtime, image: string, lines: ReadonlyMap<string, string>, { profile, stack, checksum, imageLimits, onImageProgress: tell = () => undefined, ...others }: SourceOptions): Promise<ProgramSource> {
    const options = { ...others, ...(imageLimits !== undefined && { limits: imageLimits }) };
    const stackDigest = stack === undefined ? undefined : await fetched(runtime, stack, tell, options);
    const digest = await fetched(runtime, image, tell, { ...options, ...(checksum !== undefined && { checksum }) });
    const pinned = { image: digest ?? absolute(image), ...(stack !== undefined && { stack: stackDigest ?? absolute(stack) }) };
    return new ProgramSource(pinned, image, digest === undefined ? undefined : (await runtime.images.inspect(digest)).config, lines, profile);
  }

  /** `web` is there whatever the image lists, if it has a program at all. */
  get types(): readonly string[] {
    const listed = [...this.#lines.keys(), ...this.#listed];
    return [...new Set(listed.every((type) => type === releaseType) && this.#own.length > 0 ? ['web', ...listed] : listed)];
  }

  /** Who runs it unless somebody says otherwise. */
  get user(): string {
    const user = this.#config === undefined ? '0' : imageUser(this.#config);
    return /^(?:0+|root)(?::|$)/.test(user) ? dynoUser : user;
  }

  /** What the image's own HEALTHCHECK says. */
  get healthcheck(): Healthcheck | undefined {
    return this.#config?.config?.Healthcheck;
  }

  /** The commit that it was built from, by its label. */
  get revision(): string | undefined {
    return this.#config?.config?.Labels?.['org.opencontainers.image.revision'];
  }

  /** @throws ERR_TSRUN_INVALID_ARGUMENT for a type that neither caller nor image names */
  program(type: string): Program {
    const line = this.#lines.get(type);
    if (line !== undefined) return { text: line, options: this.#shell(line) };
    if (!this.types.includes(type)) throw this.#missing(type);
    if (this.#config === undefined || !this.#listed.includes(type)) return this.#ownProgram();
    const words = processProgram(this.#config, { type, extra: [] }, this.#image);
    return { text: processCommand(this.#config, type) ?? words.join(' '), options: { process: type } };
  }

  /**
   * What runs once: a line for the shell, or words. A process type as its first word stands for that type's command, which what follows
   * is added to.
   */
  oneOff(command: string | readonly string[]): Program {
    const line = typeof command === 'string' ? command : command.map(shellWord).join(' ');
    const [, type = '', rest = ''] = /^([\w-]+)(\s.*)?$/s.exec(line) ?? [];
    if (!this.#lines.has(type) && !this.#listed.includes(type)) return { text: line, options: this.#shell(line) };
    const { text, options } = this.program(type);
    if (rest.trim() === '') return { text, options };
    const whole = `${text}${rest}`;
    // The launcher of buildpacks is a program like any other; a shell splits what follows it into words.
    const isLauncher = !this.#lines.has(type) && this.#config !== undefined && !isSlug(this.#config);
    return { text: whole, options: isLauncher ? { entrypoint: ['/bin/sh', '-c', `exec ${launcherOf(type)}${rest}`] } : this.#shell(whole) };
  }

  #ownProgram(): Program {
    if (this.#profile === undefined) return { text: this.#own.join(' '), options: {} };
    const line = ownLine(this.#own);
    return { text: line, options: this.#shell(line) };
  }

  /**
   * A slug has a boot script, which takes one word for a line, and so does the launcher of buildpacks, which makes the environment of an
   * app. The shell of any other is no login shell: Debian's takes the image's PATH away.
   */
  #shell(line: string): Program['options'] {
    if (this.#profile !== undefined) return lineProgram(this.#config, line);
    if (this.#config !== undefined && isSlug(this.#config)) return { command: [line] };
    return { entrypoint: this.#config !== undefined && isBuildpackImage(this.#config) ? [launcher, line] : ['/bin/sh', '-c', line] };
  }

  get #listed(): readonly string[] {
    return this.#config === undefined || this.#profile !== undefined ? [] : processTypes(this.#config);
  }

  get #own(): readonly string[] {
    if (this.#profile !== undefined) return this.#config?.config?.Cmd ?? [];
    return this.#config === undefined ? [] : imageProgram(this.#config, {});
  }

  #missing(type: string): TsrunError {
    if (this.#profile !== undefined && type === 'web' && this.#own.length === 0) return commandMissing(this.#image);
    const near = nearest(type, this.types);
    const known = this.types.length === 0 ? 'give a Procfile, or the command of the process type' : `it has ${this.types.slice(0, 20).map(show).join(', ')}`;
    return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `there is no process type ${show(type)} in ${show(this.#image)}`, {
      field: '/quantities',
      hint: near === undefined ? known : `did you mean ${show(near)}?`,
    });
  }
}

function absolute(image: string): string {
  const [, prefix = '', path = image] = /^((?:rootfs|bundle):)(.*)$/s.exec(image) ?? [];
  return `${prefix}${resolve(path)}`;
}

/** Its digest; undefined for a folder, which is run as it lies there. */
async function fetched(runtime: Runtime, image: string, tell: (progress: ImageProgress) => void, options: ResolveImageOptions): Promise<string | undefined> {
  const { recognise } = await import('../image/recognise.js');
  if ((await recognise(image)).kind === 'folder') return undefined;
  const work = runtime.images.resolve(image, options);
  for await (const progress of work) tell(progress);
  return (await work.done).digest;
}
