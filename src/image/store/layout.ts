/** Where the files of a store lie; docs/images.md says what each is for. Names alone: nothing is looked at here. */
import { join } from 'node:path';
import { digestOfText, hexOf } from './digest.js';

export class StoreLayout {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get format(): string {
    return join(this.root, 'format');
  }

  get folders(): readonly string[] {
    return ['blobs', 'blobs/sha256', 'layers', 'images', 'names', 'files', 'uppers', 'users', 'locks', 'tmp'].map((name) => join(this.root, name));
  }

  get blobs(): string {
    return join(this.root, 'blobs/sha256');
  }

  get layers(): string {
    return join(this.root, 'layers');
  }

  get images(): string {
    return join(this.root, 'images');
  }

  get names(): string {
    return join(this.root, 'names');
  }

  get files(): string {
    return join(this.root, 'files');
  }

  get users(): string {
    return join(this.root, 'users');
  }

  get locks(): string {
    return join(this.root, 'locks');
  }

  get temporaries(): string {
    return join(this.root, 'tmp');
  }

  blob(digest: string): string {
    return join(this.blobs, hexOf(digest));
  }

  /** @param key a diff id or a chain id */
  layer(key: string): string {
    return join(this.layers, hexOf(key));
  }

  /** The folder that overlayfs is given. */
  diff(key: string): string {
    return join(this.layer(key), 'diff');
  }

  layerReport(key: string): string {
    return join(this.layer(key), 'layer.json');
  }

  image(digest: string): string {
    return join(this.images, `${hexOf(digest)}.json`);
  }

  name(name: string): string {
    return join(this.names, fileNameFor(name));
  }

  file(place: string): string {
    return join(this.files, fileNameFor(place));
  }

  user(stateRoot: string): string {
    return join(this.users, fileNameFor(stateRoot));
  }

  temporary(name: string): string {
    return join(this.temporaries, name);
  }
}

/** Names may be longer than a file's, and hold slashes. */
function fileNameFor(text: string): string {
  return `${hexOf(digestOfText(text))}.json`;
}
