/**
 * Starts that were prepared before. An embedder runs the same few images with the same options again and again; checking
 * them, building a spec and compiling it is most of what a start takes of Node's time. What may have changed between two
 * starts is looked at each time: the image's folder (`image-cache.ts`) and its files of users.
 */
import type { Addon } from '../engine/addon.js';
import type { HostFacts } from '../host/facts.js';
import type { IdRange } from '../host/id-ranges.js';
import type { ResolvedImage } from '../image/resolved-image.js';
import type { Plan } from '../plan/plan.js';
import { PlanTemplate } from '../plan/template.js';
import { joinedPath } from '../spec/namespaces.js';
import type { Spec } from '../spec/types.js';
import { renameSpec } from './build/build-spec.js';
import { ownsMounts, visibleRoot } from './build/given-root.js';
import type { NamespaceChoice, RunOptions } from './options/options.js';
import type { Preparation } from './prepare.js';

const mostTemplates = 32;

export class Template {
  readonly plan: PlanTemplate;
  readonly #prepared: Preparation;

  constructor(prepared: Preparation, plan: Plan) {
    this.#prepared = prepared;
    this.plan = new PlanTemplate(plan);
  }

  fits(image: ResolvedImage, addon: Addon): boolean {
    const { input, accounts } = this.#prepared;
    // Layers of the store never change.
    if (image.kind === 'image') return input.image === image && ownsMounts(input.options, image);
    try {
      return input.image === image && accounts.every(({ path, limitBytes, bytes }) => isSame(bytes, addon.readInRoot(visibleRoot(input.options, image), path, limitBytes)));
    } catch {
      return false; // What cannot be read any more is told of where it is read anew.
    }
  }

  preparationFor(id: string): Preparation {
    const input = { ...this.#prepared.input, id };
    return { ...this.#prepared, ...renameSpec(this.#prepared, input), input };
  }
}

export class Templates {
  readonly #known = new Map<string, Template>();

  get(key: string): Template | undefined {
    return this.#known.get(key);
  }

  set(key: string, template: Template): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= mostTemplates && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, template);
  }
}

export interface KeyInput {
  readonly image: string;
  readonly options: RunOptions;
  readonly idRange: IdRange | undefined;
  readonly awaitStart: boolean;
}

/** All that a plan depends on but its names; undefined when it also depends on what only a look at the host can tell. */
export function templateKey({ image, options, idRange, awaitStart }: KeyInput): string | undefined {
  // What is measured is all of a start.
  if (looksAtHost(options) || options.timings === true) return undefined;
  // It is no part of the plan, but what is no signal is to be refused.
  if (options.signal !== undefined && !((options.signal as unknown) instanceof AbortSignal)) return undefined;
  const { onWarning, onImageProgress, ...rest } = options;
  if ([onWarning, onImageProgress].some((callback) => callback !== undefined && typeof callback !== 'function')) return undefined;
  try {
    const asked = { ...rest, id: undefined, signal: undefined };
    if (!isData(asked)) return undefined;
    const cwd = options.mounts === undefined ? '' : process.cwd();
    return JSON.stringify([image, awaitStart, idRange?.start, cwd, asked]);
  } catch {
    return undefined;
  }
}

/** JSON passes over what it has no form for, and makes an empty object of a Map; the check of options refuses these. */
function isData(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isData);
  if (typeof value !== 'object' || value === null) return typeof value !== 'function' && typeof value !== 'symbol' && !Number.isNaN(value);
  return Object.prototype.toString.call(value) === '[object Object]' && !('toJSON' in value) && Object.values(value).every(isData);
}

/** For a template to keep: the caller may change its own object later. Without what is of one start, and not for a plan. */
export function copyOf(options: RunOptions): RunOptions {
  const copied = new Map(Object.entries(options));
  copied.delete('signal');
  copied.delete('onWarning');
  copied.delete('onImageProgress');
  try {
    return structuredClone(Object.fromEntries(copied));
  } catch {
    return options; // What cannot be copied is refused where options are checked.
  }
}

/** Devices, the host's resolver, and namespaces of others, with maps that may be others tomorrow. */
function looksAtHost({ devices, privileged, network, namespaces, rootStorage }: RunOptions): boolean {
  // A folder of each start's own.
  if (rootStorage === 'disk') return true;
  const named = (choice: NamespaceChoice | RunOptions['network']) => typeof choice === 'object';
  return devices !== undefined || privileged === true || (network ?? 'none') !== 'none' || Object.values({ ...namespaces }).some(named);
}

/** Also by what a bundle says: the next start must look anew at the maps of namespaces, and at the nodes that an ordinary user is given. */
export function isOfTheMoment({ linux: { namespaces = [], devices = [] } = {} }: Spec, { uid }: Pick<HostFacts, 'uid'>): boolean {
  return namespaces.some((each) => joinedPath(each) !== undefined) || (uid !== 0 && devices.length > 0);
}

function isSame(before: Buffer | null, now: Buffer | null): boolean {
  return before === null || now === null ? before === now : before.equals(now);
}
