/** What a container is made from, whatever it was given as. */
import type { Spec } from '../spec/types.js';
import type { ImageConfig } from './documents.js';

export interface ResolvedImage {
  /** `image`: layers of the store, which never change. */
  readonly kind: 'rootfs' | 'bundle' | 'image';
  /** Absolute, without links, as the host sees it; of an image its topmost layer. */
  readonly rootPath: string;
  /** Of an image: the layers below, topmost first. */
  readonly lowerLayers?: readonly string[];
  /** Of an image: of owners and groups of its files, where one is above 65,535. */
  readonly highestId?: number;
  /** Of a bundle: its config.json, with sources of binds made absolute. */
  readonly spec?: Spec;
  /** Of an image: what it says of itself. */
  readonly config?: ImageConfig;
  /** Of an image: of its manifest. */
  readonly digest?: string;
  /** The same of the stack that it lies on. */
  readonly stackDigest?: string;
  /** For people: the folder's own name, or the image's. */
  readonly name: string;
}
