/** Which of several images is the one for this machine, or for the platform that was asked for. */
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import type { JsonObject } from '../../spec/json.js';
import type { Descriptor, Platform } from '../documents.js';
import { isIndexType, isManifestType } from './media-types.js';
import { isJsonObject } from './shapes.js';

/** Go's names of what Node, uname(2) and people call otherwise, with the variant where the name says one. */
const architectures: ReadonlyMap<string, readonly [architecture: string, variant?: string]> = new Map<string, readonly [string, string?]>([
  ['x64', ['amd64']],
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['aarch64', ['arm64']],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
  ['i386', ['386']],
  ['ia32', ['386']],
]);

/** What is meant where no variant is said. A machine runs images for variants up to its own. */
const plainVariants: ReadonlyMap<string, string> = new Map([['amd64', 'v1'], ['arm64', 'v8'], ['arm', 'v7']]);

/** The platform of this machine, of containers on it. */
export function hostPlatform(): Platform {
  return { os: 'linux', architecture: architectures.get(process.arch)?.[0] ?? process.arch };
}

/** Go's words for processors: one alone is known as such. */
const processors: ReadonlySet<string> = new Set(['386', 'amd64', 'arm', 'arm64', 'loong64', 'mips', 'mipsle', 'mips64', 'mips64le', 'ppc64', 'ppc64le', 'riscv64', 's390x']);

/**
 * `linux/arm64`, `linux/arm/v7`; `arm64` and `arm/v7` are Linux's, and `linux` is this machine's, as with docker and podman.
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT
 */
export function parsePlatform(text: string): Platform {
  if (text.toLowerCase() === 'linux') return hostPlatform();
  const words = text.toLowerCase().split('/');
  const isLinux = words.length < 3 && isProcessor(words[0] ?? '');
  const parts = isLinux ? ['linux', ...words] : words;
  const [os = '', name = '', given] = parts;
  if (parts.length < 2 || parts.length > 3 || ![os, name, given ?? 'none'].every((part) => /^[\w.-]+$/.test(part))) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `'${printable(text)}' is not a platform`, { hint: 'a platform is os/architecture or os/architecture/variant, such as linux/arm64; arm64 alone is of Linux, and linux alone of this machine' });
  }
  const [architecture, implied] = architectures.get(name) ?? [name];
  const variant = given ?? implied;
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

function isProcessor(name: string): boolean {
  return processors.has(name) || architectures.has(name);
}

/** `linux/arm64/v8` */
export function platformName({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].map((part) => printable(part)).join('/');
}

/** What a config says in words that Go has others for becomes those, and what it leaves empty this machine's: Go writes what was never set so, and crane on an empty base sets neither. */
export function fillPlatform(config: JsonObject): void {
  const host = hostPlatform();
  for (const key of ['os', 'architecture'] as const) if (config[key] === '') config[key] = host[key];
  tellInGo(config);
}

/** The same for what an index says of an image. Half of a platform is as much as none: the config will tell it. */
export function tidyPlatform(entry: JsonObject): void {
  const { platform = null } = entry;
  if (!isJsonObject(platform)) return;
  tellInGo(platform);
  if (platform['os'] === '' || platform['architecture'] === '') entry['platform'] = null;
}

/** Go's own words are in small letters; containerd reads those of others so. */
function tellInGo(platform: JsonObject): void {
  for (const key of ['os', 'architecture', 'variant']) {
    const word = platform[key];
    if (typeof word === 'string') platform[key] = word.toLowerCase();
  }
  if (platform['variant'] === '') platform['variant'] = null;
  const { architecture } = platform;
  const [name, implied] = typeof architecture === 'string' ? (architectures.get(architecture) ?? []) : [];
  if (name !== undefined) platform['architecture'] = name;
  if (implied !== undefined) platform['variant'] ??= implied;
}

/** There is an image, but none for the platform that was asked for. */
export class PlatformError extends TsrunError {
  /** What there is. */
  readonly offered: readonly Platform[];

  constructor(offered: readonly Platform[], wanted: Platform, source: string) {
    // An index may hold what is no image, such as attestations, under a platform that is none.
    const names = [...new Set(offered.filter(({ os }) => os !== 'unknown').map(platformName))];
    const listed = names.length === 0 ? 'it says none' : `it is for ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`;
    super('ERR_TSRUN_IMAGE', `${source} has no image for ${platformName(wanted)}: ${listed}`, {
      hint: names.length === 0 ? 'its index names no image with a platform' : `get one for ${platformName(wanted)}, or choose one that is there with --platform`,
    });
    this.offered = offered;
  }
}

/**
 * Of an index's entries the one for a platform: the nearest variant, the first of equals. Where none says that it is for it, all that
 * say nothing, in their order; their configs will say it.
 *
 * @param source names the index in errors: `'alpine.tar'`
 * @throws ERR_TSRUN_IMAGE that lists the platforms that there are
 */
export function candidatesForPlatform(entries: readonly Descriptor[], wanted: Platform, source: string): readonly Descriptor[] {
  const images = imagesOf(entries);
  let best: Descriptor | undefined;
  let bestFitness = 0;
  for (const image of images) {
    const found = image.platform === undefined ? 0 : platformFitness(image.platform, wanted);
    if (found > bestFitness) [best, bestFitness] = [image, found];
  }
  if (best !== undefined) return [best];
  if (images.length === 0) throw new TsrunError('ERR_TSRUN_IMAGE', `${source} holds no image`, { hint: 'its index names no manifest' });
  const unsaid = images.filter(({ platform }) => platform === undefined);
  if (unsaid.length === 0) throw new PlatformError(images.flatMap(({ platform }) => platform ?? []), wanted, source);
  return unsaid;
}

/** Without attestations, signatures and the like that are of another type. */
function imagesOf(entries: readonly Descriptor[]): readonly Descriptor[] {
  return entries.filter(({ mediaType }) => isManifestType(mediaType) || isIndexType(mediaType));
}

/** @throws ERR_TSRUN_IMAGE unless an image that says `offered` runs where `wanted` is */
export function checkPlatform(offered: Platform, wanted: Platform, source: string): void {
  if (platformFitness(offered, wanted) === 0) throw new PlatformError([offered], wanted, source);
}

/** How well what is made for `offered` runs where `wanted` is. 0: not at all; else the higher the better. */
export function platformFitness(offered: Platform, wanted: Platform): number {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return 0;
  const plain = plainVariants.get(wanted.architecture);
  const [has, needs] = [offered.variant ?? plain, wanted.variant ?? plain];
  if (has === needs) return 1000;
  const [level, most] = [levelOf(has), levelOf(needs)];
  return level !== undefined && most !== undefined && level < most ? level : 0;
}

function levelOf(variant: string | undefined): number | undefined {
  const [, level] = /^v(\d{1,2})$/.exec(variant ?? '') ?? [];
  return level === undefined || level === '0' ? undefined : Number(level);
}
