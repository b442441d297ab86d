/** Which images of a layout or archive are meant, where it holds several: by name, by platform, or all. */
import type { Platform } from '../documents.js';
import type { OfferedImage } from '../offer.js';
import { ArtifactError } from '../documents/manifest.js';
import { PlatformError, platformFitness } from '../documents/platform.js';
import { documentError } from '../documents/shapes.js';
import { isReference, parseReference, wholeName, withoutIdleTag } from '../reference.js';
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import { shareTree, type FileTree } from './file-tree.js';
import type { ChoiceOptions } from './source-options.js';

/** An image without what its source adds. */
export type UnnamedImage = Omit<OfferedImage, 'names' | 'close'>;

export interface Candidate {
  /** As the source has them: tags, short or whole names. */
  readonly names: readonly string[];
  /** Of its manifest, where the source has one. */
  readonly digest?: string;
  /** What it is for. Reads documents, no layers. */
  readonly look: () => Promise<Platform>;
  readonly open: () => Promise<UnnamedImage>;
}

/** Nobody would read a longer list. */
const mostShown = 20;
/** A source of so many is asked for one by name, or for all; looking into each, to find that one alone is for this platform, takes too long. */
const mostOpened = 1000;

/**
 * Takes `tree`, which is closed with the last of the images; not when this fails.
 *
 * @throws ERR_TSRUN_IMAGE
 */
export async function chooseImages(found: readonly Candidate[], options: ChoiceOptions, tree: FileTree): Promise<readonly OfferedImage[]> {
  const { name } = options;
  const candidates = options.choose === 'all' && found.length > 1 ? found.map(namingFaults) : found;
  const named = name === undefined ? candidates : candidates.filter((candidate, index) => isNamed(candidate, name, index));
  if (named.length === 0) throw documentError(`${tree.name} holds no image '${printable(name ?? '', 200)}': there is ${listOf(candidates, candidates)}`, 'say one of them');
  if (options.choose === 'one' && name === undefined && named.length > mostOpened) throw several(named, candidates, tree);
  const fitting = await findFitting(named, options.platform, tree);
  const shared = sharedName(fitting, name);
  if (shared !== undefined) throw ambiguous(shared, fitting, candidates, tree);
  if (options.choose === 'one' && fitting.length > 1) throw several(fitting, candidates, tree);
  const images: (readonly [names: string[], UnnamedImage])[] = [];
  for (const candidate of fitting) images.push([givenNames(candidate), await candidate.open()]);
  const closers = shareTree(tree, images.length);
  return images.map(([names, image], index) => ({ ...image, names, close: closers[index] ?? (() => tree.close()) }));
}

/** Of many, an error says which it is of, so that the others can be taken without it. */
function namingFaults(candidate: Candidate, index: number): Candidate {
  const label = printable(candidate.names[0] ?? `@${index}`, 200);
  const explain = (cause: unknown): never => {
    if (!TsrunError.is(cause) || cause instanceof PlatformError || cause instanceof ArtifactError || cause.code !== 'ERR_TSRUN_IMAGE') throw cause;
    throw documentError(`image '${label}': ${cause.message}`, 'take the others by their names, each after a colon: PATH:NAME', cause);
  };
  return { ...candidate, look: () => candidate.look().catch(explain), open: () => candidate.open().catch(explain) };
}

function isNamed({ names, digest }: Candidate, name: string, index: number): boolean {
  if (name === `@${index}` || name === digest || names.includes(name)) return true;
  return isReference(name) && fullNames(names).includes(wholeName(parseReference(name)));
}

/** The best of those that have the same names, or all that are equally good. What is no image is passed over beside one. */
async function findFitting(candidates: readonly Candidate[], platform: Platform, tree: FileTree): Promise<readonly Candidate[]> {
  const offered: Platform[] = [];
  let artifact: ArtifactError | undefined;
  const best = new Map<string, { readonly fitness: number; readonly equals: Candidate[] }>();
  for (const candidate of candidates) {
    const { names, look } = candidate;
    const found = await look().catch((error: unknown) => {
      if (error instanceof ArtifactError) artifact ??= error;
      else if (error instanceof PlatformError) offered.push(...error.offered);
      else throw error;
      return undefined;
    });
    if (found === undefined) continue;
    offered.push(found);
    const fitness = platformFitness(found, platform);
    const key = JSON.stringify([...names].sort());
    const known = best.get(key);
    if (fitness > (known?.fitness ?? 0)) best.set(key, { fitness, equals: [candidate] });
    else if (fitness > 0 && fitness === known?.fitness) known.equals.push(candidate);
  }
  if (artifact !== undefined && best.size === 0 && offered.length === 0) throw artifact;
  if (best.size === 0) throw new PlatformError(offered, platform, tree.name);
  return [...best.values()].flatMap(({ equals }) => equals);
}

/** A word alone may be a tag or a name, so that only what has a colon or a slash is a name. */
function fullNames(names: readonly string[]): string[] {
  return [...new Set(names.filter((name) => /[:/]/.test(name) && isReference(name)).map((name) => wholeName(parseReference(name))))];
}

/**
 * What is to be called so from now on. A digest says which image a name is of, wherever it came from (`find-image.ts`): one that a source
 * writes beside another image is not believed.
 */
function givenNames({ names, digest }: Candidate): string[] {
  const references = fullNames(names).map(parseReference).filter((reference) => [undefined, digest].includes(reference.digest));
  return [...new Set(references.map((reference) => wholeName(withoutIdleTag(reference))))];
}

/** The name that was asked for, of several images; or a whole one that two would be given, or one that is all that two have. */
function sharedName(candidates: readonly Candidate[], asked: string | undefined): string | undefined {
  if (asked !== undefined) return candidates.length > 1 ? asked : undefined;
  const given = candidates.flatMap((candidate) => [...new Set([...givenNames(candidate), ...(fullNames(candidate.names).length === 0 ? candidate.names : [])])]);
  return given.find((each, index) => given.indexOf(each) !== index);
}

function ambiguous(name: string, fitting: readonly Candidate[], all: readonly Candidate[], tree: FileTree): Error {
  const places = fitting.filter((candidate) => isNamed(candidate, name, all.indexOf(candidate))).map((candidate) => candidate.digest ?? `@${all.indexOf(candidate)}`);
  return documentError(`${tree.name} holds ${places.length} images that are called '${printable(name, 200)}': ${places.slice(0, mostShown).join(', ')}`, `say which, after its path and a colon: PATH:${places[0] ?? ''}`);
}

function several(candidates: readonly Candidate[], all: readonly Candidate[], tree: FileTree): Error {
  return documentError(`${tree.name} holds several images: ${listOf(candidates, all)}`, 'say which, after a colon: oci:PATH:NAME, docker-archive:PATH:NAME; or import them all');
}

/** By what names each of them alone: its place among all is one. */
function listOf(candidates: readonly Candidate[], all: readonly Candidate[]): string {
  const shown = candidates.slice(0, mostShown).map((candidate) => printable(candidate.names[0] ?? `@${all.indexOf(candidate)}`, 200));
  return `${shown.join(', ')}${candidates.length > mostShown ? ', …' : ''}`;
}
