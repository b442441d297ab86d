/** A store in a folder of its own, images that are made on the spot, and an unpacker that is no container. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { loadNative } from '../../src/engine/addon.js';
import { describeConfig, makeManifest } from '../../src/image/documents/make-manifest.js';
import { digestOf } from '../../src/image/documents/digest.js';
import type { ImageConfig } from '../../src/image/documents.js';
import type { OfferedImage, OfferedLayer } from '../../src/image/offer.js';
import { ImageStore, type StoreInput } from '../../src/image/store/store.js';
import type { StoreUse } from '../../src/image/store/collect.js';
import type { Unpack, UnpackRequest } from '../../src/image/unpack.js';
import { TsrunError } from '../../src/spec/errors.js';

export interface StoreLab {
  readonly folder: string;
  readonly root: string;
  readonly unpacked: readonly UnpackRequest[];
  readonly containers: Map<string, StoreUse[] | undefined>;
  open(changes?: Partial<StoreInput>): Promise<ImageStore>;
}

export function storeLab(t: ExecutionContext): StoreLab {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-store-'));
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }); });
  const root = join(folder, 'store');
  const unpacked: UnpackRequest[] = [];
  const containers = new Map<string, StoreUse[] | undefined>();
  const unpack: Unpack = async (request) => {
    unpacked.push(request);
    return unpackWithTar(request);
  };
  const open = async (changes: Partial<StoreInput> = {}) =>
    ImageStore.open({ root, calls: loadNative().addon, unpack, containersOf: async (stateRoot) => Promise.resolve(containers.get(stateRoot)), ...changes });
  return { folder, root, unpacked, containers, open };
}

/** GNU tar, unconfined, for archives of our own. One that holds `needs-lower` says that it does, until it is given what is below. */
export const unpackWithTar: Unpack = async ({ source, destination, lower, onProgress, signal }) => {
  const blob = createHash('sha256');
  const tar = createHash('sha256');
  const stream = typeof source === 'number' ? createReadStream('', { fd: source, autoClose: false, start: 0 }) : source;
  let blobBytes = 0;
  const read = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      blob.update(chunk);
      blobBytes += chunk.length;
      onProgress?.(blobBytes);
      yield chunk;
    }
  };
  const extract = spawn('tar', ['-x', '-f', '-', '-C', destination], { stdio: ['pipe', 'ignore', 'ignore'] });
  extract.stdin.on('error', () => undefined);
  const ended = new Promise((resolve) => { extract.once('close', resolve); });
  let unpackedBytes = 0;
  try {
    await pipeline(read, createGunzip(), async (unzipped: AsyncIterable<Buffer>) => {
      for await (const chunk of unzipped) {
        tar.update(chunk);
        unpackedBytes += chunk.length;
        extract.stdin.write(chunk);
      }
    });
  } catch (cause) {
    throw TsrunError.is(cause) ? cause : new TsrunError('ERR_TSRUN_IMAGE', String(cause), { cause });
  } finally {
    extract.stdin.end();
    await ended;
  }
  const entries = Number(spawnSync('sh', ['-c', 'find . | wc -l'], { cwd: destination, encoding: 'utf8' }).stdout) - 1;
  const needsLower = spawnSync('test', ['-e', join(destination, 'needs-lower')]).status === 0;
  return {
    diffId: `sha256:${tar.digest('hex')}`,
    blobDigest: `sha256:${blob.digest('hex')}`,
    blobBytes,
    unpackedBytes,
    entries,
    dependsOnLower: needsLower && lower === undefined,
  };
};

export type Files = Readonly<Record<string, string>>;

export interface MadeLayer extends OfferedLayer {
  readonly bytes: Buffer;
  /** Offsets from which it was read. */
  readonly opened: number[];
}

/** A gzipped tar of some files. */
export function makeLayer(files: Files, changes: { readonly open?: (bytes: Buffer, offset: number) => Readable } = {}): MadeLayer {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-layer-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    const args = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '-c', '-C', folder, '.'];
    const tar = spawnSync('tar', args, { maxBuffer: 2 ** 30 }).stdout;
    const bytes = gzipSync(tar, { level: 1 });
    return offerLayer(bytes, digestOf(tar), changes);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function offerLayer(bytes: Buffer, diffId: string, { open }: { readonly open?: (bytes: Buffer, offset: number) => Readable } = {}): MadeLayer {
  const opened: number[] = [];
  return {
    bytes,
    opened,
    diffId,
    descriptor: { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(bytes), size: bytes.length },
    open: async ({ offset }) => {
      opened.push(offset);
      return Promise.resolve(open?.(bytes, offset) ?? Readable.from(inPieces(bytes.subarray(offset))));
    },
  };
}

function* inPieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

export function makeImage(layers: readonly OfferedLayer[], changes: Partial<ImageConfig> = {}): OfferedImage {
  const value: ImageConfig = { os: 'linux', architecture: 'amd64', config: { Cmd: ['/bin/sh'] }, rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) }, ...changes };
  const config = describeConfig(Buffer.from(JSON.stringify(value)), value);
  const manifest = makeManifest(config.descriptor, layers.map(({ descriptor }) => descriptor));
  return { names: ['docker.io/library/made:latest'], manifest, config, layers, close: async () => Promise.resolve() };
}
