/** An OCI image layout (image-spec, image-layout.md), as a folder or in a tar: `oci-layout`, `index.json`, `blobs/sha256/<hex>`. */
import type { Descriptor } from '../documents.js';
import type { OfferedImage } from '../offer.js';
import { containerdName, refName } from '../documents/annotations.js';
import { isDigest } from '../documents/digest.js';
import { mostDocumentBytes, readLayoutIndex, type LayoutEntry } from '../documents/manifest.js';
import { documentError, readJsonObject } from '../documents/shapes.js';
import { openImage, type Blobs } from './blob-image.js';
import { chooseImages, type Candidate, type UnnamedImage } from './choose.js';
import { readWhole, type FileTree } from './file-tree.js';
import { findNested } from './nested-image.js';
import type { ChoiceOptions } from './source-options.js';

/** Is there what every layout has at its top? */
export async function isOciLayout(tree: FileTree): Promise<boolean> {
  return (await tree.find('oci-layout')) !== undefined;
}

/**
 * Takes `tree`, which is closed with the last of the images; not when this fails.
 *
 * @throws ERR_TSRUN_IMAGE
 */
export async function openOciLayout(tree: FileTree, options: ChoiceOptions): Promise<readonly OfferedImage[]> {
  await checkVersion(tree);
  const blobs: Blobs = { name: tree.name, find: ({ digest }) => tree.find(`blobs/${digest.replace(':', '/')}`) };
  const candidateOf = (descriptor: Descriptor, names: readonly string[]): Candidate => {
    let image: Promise<UnnamedImage> | undefined;
    const open = (): Promise<UnnamedImage> => (image ??= openImage(blobs, descriptor, options.platform));
    return { names, digest: descriptor.digest, open, look: async () => descriptor.platform ?? (await open()).config.value };
  };
  const entries = distinct(await readEntries(tree));
  const candidates = entries.map(([entry, names]): Candidate => {
    if (entry.kind === 'fault') return { names, look: () => Promise.reject(entry.fault), open: () => Promise.reject(entry.fault) };
    return candidateOf(entry.descriptor, names);
  });
  const nested = await onlyNested(blobs, entries, options.name);
  return chooseImages(nested === undefined ? candidates : [candidateOf(nested, [])], options, tree);
}

/** What is asked for by a digest that no entry has. */
async function onlyNested(blobs: Blobs, entries: ReturnType<typeof distinct>, name: string | undefined): Promise<Descriptor | undefined> {
  const descriptors = entries.flatMap(([entry]) => (entry.kind === 'fault' ? [] : [entry.descriptor]));
  if (name === undefined || !isDigest(name) || descriptors.some(({ digest }) => digest === name)) return undefined;
  return findNested(blobs, descriptors, name);
}

async function checkVersion(tree: FileTree): Promise<void> {
  const source = `'oci-layout' in ${tree.name}`;
  const file = await tree.find('oci-layout');
  if (file === undefined) throw documentError(`${tree.name} is no OCI image layout: it holds no file 'oci-layout'`, 'name the folder or archive that holds oci-layout and index.json');
  const version = readJsonObject(await readWhole(file, mostDocumentBytes, source), source)['imageLayoutVersion'];
  if (typeof version !== 'string' || !/^1\.\d+\.\d+$/.test(version)) throw documentError(`${source} does not say that it is of version 1.0.0`);
}

/** The images of the layout; what else its index may name is passed over. */
async function readEntries(tree: FileTree): Promise<readonly LayoutEntry[]> {
  const source = `'index.json' in ${tree.name}`;
  const file = await tree.find('index.json');
  if (file === undefined) throw documentError(`${tree.name} is no whole OCI image layout: it holds no file 'index.json'`);
  const entries = readLayoutIndex(await readWhole(file, mostDocumentBytes, source), source);
  if (entries.length === 0) throw documentError(`${tree.name} holds no image: its index names none`, 'put one into it, with umoci, buildah or skopeo');
  return entries;
}

/** An image under several names has an entry for each of them. */
function distinct(entries: readonly LayoutEntry[]): readonly (readonly [LayoutEntry, names: readonly string[]])[] {
  const byDigest = new Map<string, readonly [LayoutEntry, readonly string[]]>();
  for (const [index, entry] of entries.entries()) {
    const key = entry.kind === 'fault' ? String(index) : entry.descriptor.digest;
    const [first, names] = byDigest.get(key) ?? [entry, []];
    byDigest.set(key, [first, [...names, ...namesOf(entry.kind === 'fault' ? entry : entry.descriptor)]]);
  }
  return [...byDigest.values()];
}

/** The whole name first, so that it is the one that is shown. */
function namesOf({ annotations = {} }: Pick<Descriptor, 'annotations'>): string[] {
  return [annotations[containerdName], annotations[refName]].filter((name) => name !== undefined && name !== '').map(String);
}
