/** What the dynos of a process type run: a line of a Procfile, a process type of the image, or the image's own program. */
import type { RunOptions } from '../container/options/options.js';
import type { Runtime } from '../container/runtime.js';
import type { ImageConfig } from '../image/documents.js';
import type { ImageProgress, ResolveImageOptions } from '../image/image-types.js';
import { isSlug, processProgram, processTypes } from '../image/process-types.js';
import { imageProgram, imageUser } from '../image/run-config.js';
import { TsrunError, nearest } from '../spec/errors.js';
import { show } from '../spec/quote.js';

export type ImageOptions = Pick<RunOptions, 'stack' | 'pull' | 'platform' | 'checksum' | 'tlsVerify' | 'authFile' | 'imageLimits' | 'onImageProgress'>;

export interface Program {
  /** As the log shows it. */
  readonly text: string;
  readonly options: Pick<RunOptions, 'process' | 'entrypoint' | 'command'>;
}

/** Nobody but who asks for it is root in a dyno: what an image says otherwise does not count, as on Heroku. */
const dynoUser = '1000:1000';

export class ProgramSource {
  readonly #image: string;
  readonly #config: ImageConfig | undefined;
  readonly #lines: ReadonlyMap<string, string>;

  private constructor(image: string, config: ImageConfig | undefined, lines: ReadonlyMap<string, string>) {
    this.#image = image;
    this.#config = config;
    this.#lines = lines;
  }

  /** Has the image fetched and unpacked, and what lies below it, so that no start waits for it. A folder says nothing of itself. */
  static async open(runtime: Runtime, image: string, lines: ReadonlyMap<string, string>, { stack, checksum, imageLimits, onImageProgress: tell = () => undefined, ...others }: ImageOptions): Promise<ProgramSource> {
    const options = { ...others, ...(imageLimits !== undefined && { limits: imageLimits }) };
    if (stack !== undefined) await fetched(runtime, stack, tell, options);
    const digest = await fetched(runtime, image, tell, { ...options, ...(checksum !== undefined && { checksum }) });
    return new ProgramSource(image, digest === undefined ? undefined : (await runtime.images.inspect(digest)).config, lines);
  }

  /** `web` is there whatever the image lists, if it has a program at all. */
  get types(): readonly string[] {
    const listed = [...this.#lines.keys(), ...(this.#config === undefined ? [] : processTypes(this.#config))];
    return [...new Set(listed.length === 0 && this.#own.length > 0 ? ['web'] : listed)];
  }

  /** Who runs it unless somebody says otherwise. */
  get user(): string {
    const user = this.#config === undefined ? '0' : imageUser(this.#config);
    return /^(?:0+|root)(?::|$)/.test(user) ? dynoUser : user;
  }

  /** @throws ERR_TSRUN_INVALID_ARGUMENT for a type that neither caller nor image names */
  program(type: string): Program {
    const line = this.#lines.get(type);
    if (line !== undefined) return { text: line, options: this.#shell(line) };
    if (!this.types.includes(type)) throw this.#unknown(type);
    if (this.#config === undefined || !processTypes(this.#config).includes(type)) return { text: this.#own.join(' '), options: {} };
    const words = processProgram(this.#config, { type, extra: [] }, this.#image);
    return { text: isSlug(this.#config) ? (words.at(-1) ?? '') : words.join(' '), options: { process: type } };
  }

  /** A slug has a boot script, which takes one word for a line. The shell of any other is no login shell: Debian's takes the image's PATH away. */
  #shell(line: string): Program['options'] {
    return this.#config !== undefined && isSlug(this.#config) ? { command: [line] } : { entrypoint: ['/bin/sh', '-c', line] };
  }

  get #own(): readonly string[] {
    return this.#config === undefined ? [] : imageProgram(this.#config, {});
  }

  #unknown(type: string): TsrunError {
    const near = nearest(type, this.types);
    const known = this.types.length === 0 ? 'give a Procfile, or the command of the process type' : `it has ${this.types.slice(0, 20).map(show).join(', ')}`;
    return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `there is no process type ${show(type)} in ${show(this.#image)}`, {
      field: '/quantities',
      hint: near === undefined ? known : `did you mean ${show(near)}?`,
    });
  }
}

/** Its digest; undefined for a folder, which is run as it lies there. */
async function fetched(runtime: Runtime, image: string, tell: (progress: ImageProgress) => void, options: ResolveImageOptions): Promise<string | undefined> {
  const { recognise } = await import('../image/recognise.js');
  if ((await recognise(image)).kind === 'folder') return undefined;
  const work = runtime.images.resolve(image, options);
  for await (const progress of work) tell(progress);
  return (await work.done).digest;
}
