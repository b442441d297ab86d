/** What skopeo and podman write as `dir:`: one image; its manifest as manifest.json, every other blob under the digits of its digest. */
import type { Descriptor } from '../documents.js';
import type { OfferedImage } from '../offer.js';
import { digestOf } from '../documents/digest.js';
import { isIndexType, mediaTypes } from '../documents/media-types.js';
import { mostDocumentBytes } from '../documents/manifest.js';
import { documentError, readJsonObject } from '../documents/shapes.js';
import { openImage, type Blobs } from './blob-image.js';
import { chooseImages, type UnnamedImage } from './choose.js';
import { readWhole, type FileTree, type TreeFile } from './file-tree.js';
import type { ChoiceOptions } from './source-options.js';

const versionLine = /^Directory Transport Version: 1\.\d+\n?$/;

/** Is there what tells such a folder from an unpacked docker-archive? */
export async function isSkopeoFolder(tree: FileTree): Promise<boolean> {
  const file = await tree.find('version');
  return file !== undefined && file.size < 100 && versionLine.test(String(await readWhole(file, 100, 'its version')));
}

/**
 * Takes `tree`, which is closed with the image; not when this fails.
 *
 * @throws ERR_TSRUN_IMAGE
 */
export async function openSkopeoFolder(tree: FileTree, options: ChoiceOptions): Promise<readonly OfferedImage[]> {
  if (!(await isSkopeoFolder(tree))) throw documentError(`${tree.name} is no folder as skopeo's 'dir:' has it: it holds no file 'version' of version 1`, 'name an OCI layout as oci:PATH');
  const source = `'manifest.json' in ${tree.name}`;
  const file = await tree.find('manifest.json');
  if (file === undefined) throw documentError(`${tree.name} is not whole: it holds no file 'manifest.json'`);
  const bytes = await readWhole(file, mostDocumentBytes, source);
  const root: Descriptor = { mediaType: typeOf(bytes, source), digest: digestOf(bytes), size: bytes.length };
  const blobs: Blobs = { name: tree.name, find: (descriptor) => (descriptor.digest === root.digest ? Promise.resolve(file) : findBlob(tree, descriptor)) };
  let image: Promise<UnnamedImage> | undefined;
  const open = (): Promise<UnnamedImage> => (image ??= openImage(blobs, root, options.platform));
  return chooseImages([{ names: [], digest: root.digest, open, look: async () => (await open()).config.value }], options, tree);
}

/** Old manifests of OCI do not say what they are. */
function typeOf(bytes: Buffer, source: string): string {
  const { mediaType, manifests } = readJsonObject(bytes, source);
  if (typeof mediaType === 'string') return mediaType;
  return manifests === undefined ? mediaTypes.manifest : mediaTypes.index;
}

/** With `skopeo copy --all` the manifests of an index stand beside it. */
function findBlob(tree: FileTree, { digest, mediaType }: Descriptor): Promise<TreeFile | undefined> {
  const digits = digest.slice('sha256:'.length);
  return tree.find(isIndexType(mediaType) || mediaType.includes('manifest') ? `${digits}.manifest.json` : digits);
}
