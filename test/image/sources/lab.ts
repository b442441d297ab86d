/** Layouts and archives made by hand, in a folder that is gone afterwards. */
import { spawn } from 'node:child_process';
import { fstatSync, mkdirSync, mkdtempSync, readSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { Header, Pax, type HeaderData } from 'tar';
import { digestOf } from '../../../src/image/documents/digest.js';
import { mediaTypes } from '../../../src/image/documents/media-types.js';
import { hostPlatform } from '../../../src/image/documents/platform.js';
import type { Descriptor } from '../../../src/image/documents.js';
import type { OfferedImage, OfferedLayer } from '../../../src/image/offer.js';
import type { FileTree } from '../../../src/image/sources/file-tree.js';
import { openFolderTree } from '../../../src/image/sources/folder-tree.js';
import { openTarTree } from '../../../src/image/sources/tar-tree.js';
import type { Expand, SourceOptions } from '../../../src/image/sources/source-options.js';
import { TsrunError } from '../../../src/spec/errors.js';

export const base = realpathSync(mkdtempSync(join(tmpdir(), 'tsrun-sources-')));
/** What a test has opened and a refusal has left to its caller. */
const trees: FileTree[] = [];
test.after.always(async () => {
  await Promise.all(trees.map((tree) => tree.close()));
  rmSync(base, { recursive: true, force: true });
});

let count = 0;

export function newFolder(): string {
  const path = join(base, `${count++}`);
  mkdirSync(path);
  return path;
}

export function newFile(content: Uint8Array | string): string {
  const path = join(base, `${count++}.file`);
  writeFileSync(path, content);
  return path;
}

export type Files = Record<string, Buffer | string>;

/** Writes files below a new folder. */
export function folderOf(files: Files): string {
  const folder = newFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

export interface TarPart extends HeaderData {
  readonly content?: Buffer | string;
  readonly pax?: HeaderData;
}

/** A tar archive; an entry is a file unless it says another type. */
export function tarOf(parts: readonly TarPart[], end = Buffer.alloc(1024)): Buffer {
  return Buffer.concat([...parts.flatMap(({ content = '', pax, ...data }) => {
    const body = Buffer.from(content);
    const header = Buffer.alloc(512);
    new Header({ type: 'File', mode: 0o644, size: body.length, mtime: new Date(1_700_000_000_000), ...data }).encode(header);
    return [...(pax === undefined ? [] : [new Pax(pax).encode()]), header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  }), end]);
}

export function tarOfFiles(files: Files): Buffer {
  return tarOf(Object.entries(files).map(([path, content]) => ({ path, content })));
}

export interface MadeImage {
  /** Plain tars, the lowest first. */
  readonly layers?: readonly Buffer[];
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly cmd?: readonly string[];
}

/** An image's blobs by digest, and the descriptor of its manifest. */
export function madeImage({ layers = [tarOfFiles({ 'a.txt': 'a' })], platform = hostPlatform(), cmd = ['/a'] }: MadeImage = {}): { readonly blobs: readonly Buffer[]; readonly config: Buffer; readonly manifest: Descriptor } {
  const config = Buffer.from(JSON.stringify({ ...platform, config: { Cmd: cmd }, rootfs: { type: 'layers', diff_ids: layers.map(digestOf) } }));
  const describe = (bytes: Buffer, mediaType: string): Descriptor => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const manifest = Buffer.from(JSON.stringify({
    schemaVersion: 2, mediaType: mediaTypes.manifest, config: describe(config, mediaTypes.config), layers: layers.map((layer) => describe(layer, mediaTypes.layer)),
  }));
  return { blobs: [manifest, config, ...layers], config, manifest: describe(manifest, mediaTypes.manifest) };
}

export function layoutFiles(entries: readonly object[], blobs: readonly Buffer[]): Files {
  return {
    'oci-layout': '{"imageLayoutVersion":"1.0.0"}',
    'index.json': JSON.stringify({ schemaVersion: 2, manifests: entries }),
    ...Object.fromEntries(blobs.map((blob) => [blobPath(digestOf(blob)), blob])),
  };
}

export function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** A descriptor with a name, as umoci and skopeo write it into index.json. */
export function named(descriptor: Descriptor, name: string): object {
  return { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': name } };
}

export function options(changes: Partial<SourceOptions> = {}): SourceOptions {
  return {
    choose: 'one',
    platform: hostPlatform(),
    temporaryFolder: base,
    expand: expandByPrograms,
    limits: { bytes: 2 ** 40, ratio: 1000 },
    ...changes,
  };
}

/** What the confined program does, by the programs that it takes the place of. */
export const expandByPrograms: Expand = async (source, destination, { bytes, ratio }) => {
  const start = Buffer.alloc(1);
  readSync(source, start, 0, 1, 0);
  const program = { 0x1f: 'gzip', 0x28: 'zstd', 0xfd: 'xz', 0x42: 'bzip2' }[start[0] ?? 0] ?? 'false';
  const code = await new Promise((resolve) => {
    spawn(program, ['-dc'], { stdio: [source, destination, 'ignore'] }).on('close', resolve);
  });
  const refused = (why: string) => new TsrunError('ERR_TSRUN_IMAGE', `the archive is refused: ${why}`);
  if (code !== 0) throw refused(`${program} says so`);
  if (fstatSync(destination).size > Math.min(bytes, Math.max(10_000_000, ratio * fstatSync(source).size))) throw refused('it is too large');
};

export function folderTree(files: Files) {
  return openFolderTree(folderOf(files), { leavesFolder: false });
}

export async function tarTree(bytes: Buffer) {
  const path = newFile(bytes);
  const tree = await openTarTree(await open(path), `'${path}'`);
  trees.push(tree);
  return tree;
}

export async function contentOf(layer: OfferedLayer, offset = 0): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of await layer.open({ offset })) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

export async function faultOf(work: Promise<readonly OfferedImage[]>): Promise<TsrunError> {
  try {
    const images = await work;
    throw new Error(`opened ${JSON.stringify(images.map(({ names }) => names))}`);
  } catch (error) {
    if (TsrunError.is(error)) return error;
    throw error;
  }
}
