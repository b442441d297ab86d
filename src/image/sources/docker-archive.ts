/**
 * What `docker save` and `podman save` write (moby's docker-image-spec): manifest.json says which files of the archive are config and
 * layers. In a tar, or unpacked in a folder.
 */
import type { FileHandle } from 'node:fs/promises';
import { array, optional, text } from '../../spec/shape.js';
import { printable } from '../../spec/quote.js';
import type { OfferedImage, OfferedLayer } from '../offer.js';
import { checkLayerCount, readConfig } from '../documents/config.js';
import { describeConfig, makeManifest } from '../documents/make-manifest.js';
import { mostDocumentBytes } from '../documents/manifest.js';
import { assertDocument, documentError, fillLists, filled, isJsonObject, known, readJson } from '../documents/shapes.js';
import { isReference } from '../reference.js';
import { openArchivedLayer } from './archived-layer.js';
import { chooseImages, type Candidate, type UnnamedImage } from './choose.js';
import { readWhole, type FileTree } from './file-tree.js';
import type { SourceOptions } from './source-options.js';

interface ArchivedImage {
  /** Path of the config. Docker names it after its digest, others do not; the name is not believed. */
  readonly Config: string;
  readonly RepoTags?: readonly string[];
  /** Paths, the lowest first. */
  readonly Layers: readonly string[];
}

const manifestFile = 'manifest.json';
const listShape = array(known<ArchivedImage>({ Config: filled, RepoTags: optional(array(text())), Layers: array(filled) }));

/** Is there what every docker-archive has at its top? */
export async function isDockerArchive(tree: FileTree): Promise<boolean> {
  return (await tree.find(manifestFile)) !== undefined;
}

/** Does it also say what that file of an archive says? */
export async function listsImages(tree: FileTree): Promise<boolean> {
  return (await isDockerArchive(tree)) && readImages(tree).then(() => true, () => false);
}

/**
 * Takes `tree`, which is closed with the last of the images; not when this fails.
 *
 * @throws ERR_TSRUN_IMAGE, ERR_TSRUN_STORE
 */
export async function openDockerArchive(tree: FileTree, options: SourceOptions): Promise<readonly OfferedImage[]> {
  const expanded: FileHandle[] = [];
  const closeExpanded = async (): Promise<void> => {
    await Promise.all(expanded.map((handle) => handle.close()));
  };
  const candidates = distinct(await readImages(tree)).map((image): Candidate => {
    let config: Promise<OfferedImage['config']> | undefined;
    const look = (): Promise<OfferedImage['config']> => (config ??= findConfig(image, tree));
    return {
      // `<none>:<none>` is one that docker once gave to what has none.
      names: (image.RepoTags ?? []).filter(isReference),
      look: async () => (await look()).value,
      open: async () => openImage(image, await look(), tree, expanded, options),
    };
  });
  try {
    return await chooseImages(candidates, options, { ...tree, close: async () => { await Promise.all([tree.close(), closeExpanded()]); } });
  } catch (error) {
    await closeExpanded();
    throw error;
  }
}

async function readImages(tree: FileTree): Promise<readonly ArchivedImage[]> {
  const source = `'${manifestFile}' in ${tree.name}`;
  const file = await tree.find(manifestFile);
  if (file === undefined) throw documentError(`${tree.name} is no docker-archive: it holds no file '${manifestFile}'`, 'one as docker 1.10 and later write it has that file');
  const value = readJson(await readWhole(file, mostDocumentBytes, source), source);
  if (value === null) throw documentError(`${source} is null`, 'an archive of no images has an empty list there');
  if (!Array.isArray(value)) throw documentError(`${source} is not a list of images`, "a folder as skopeo's 'dir:' has it is named so: dir:PATH");
  for (const image of value) if (isJsonObject(image)) fillLists(image, 'Layers');
  assertDocument(listShape, value, source);
  if (value.length === 0) throw documentError(`${tree.name} holds no image: its ${manifestFile} is an empty list`, 'save one into it');
  return value;
}

/** What is listed more than once is one image with the names of all. */
function distinct(images: readonly ArchivedImage[]): readonly ArchivedImage[] {
  const byParts = new Map<string, ArchivedImage>();
  for (const { Config, Layers, RepoTags = [] } of images) {
    const key = JSON.stringify([Config, Layers]);
    byParts.set(key, { Config, Layers, RepoTags: [...(byParts.get(key)?.RepoTags ?? []), ...RepoTags] });
  }
  return [...byParts.values()];
}

async function findConfig({ Config }: ArchivedImage, tree: FileTree): Promise<OfferedImage['config']> {
  const source = `the config '${printable(Config, 100)}' in ${tree.name}`;
  const file = await tree.find(Config);
  if (file === undefined) throw documentError(`${source} is not there`, 'the archive is not whole: make it anew');
  const bytes = await readWhole(file, mostDocumentBytes, source);
  return describeConfig(bytes, readConfig(bytes, source));
}

async function openImage(image: ArchivedImage, config: OfferedImage['config'], tree: FileTree, expanded: FileHandle[], options: SourceOptions): Promise<UnnamedImage> {
  checkLayerCount(image.Layers.length, config.value, `the image '${printable(image.RepoTags?.[0] ?? image.Config, 200)}' in ${tree.name}`);
  const layers: OfferedLayer[] = [];
  for (const [index, path] of image.Layers.entries()) {
    const source = `the layer '${printable(path, 100)}' in ${tree.name}`;
    const file = await tree.find(path);
    if (file === undefined) throw documentError(`${source} is not there`, 'the archive is not whole: make it anew');
    const { layer, handle } = await openArchivedLayer(file, config.value.rootfs.diff_ids[index] ?? '', source, options);
    if (handle !== undefined) expanded.push(handle);
    layers.push(layer);
  }
  return { manifest: makeManifest(config.descriptor, layers.map(({ descriptor }) => descriptor)), config, layers };
}
