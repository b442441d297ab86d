/** Archives as `docker save` writes them, of folders: by GNU tar, and not by the code under test. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HistoryEntry, RunConfig } from '../../src/index.js';

export interface SavedImage {
  readonly names: readonly string[];
  /** Folders, the lowest first. A file `.wh.x` removes x. */
  readonly layers: readonly string[];
  readonly config?: RunConfig;
  readonly created?: string;
  readonly history?: readonly HistoryEntry[];
  readonly architecture?: string;
}

const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

/** @returns the path of the archive */
export function saveImages(path: string, ...images: readonly SavedImage[]): string {
  const folder = mkdtempSync(join(dirname(path), 'saving-'));
  try {
    const manifest = images.map((image) => {
      const layers = image.layers.map((layer) => layerOf(folder, layer));
      const config = JSON.stringify({
        os: 'linux', architecture: image.architecture ?? architecture, created: image.created ?? '2026-01-31T12:00:00Z', config: image.config ?? {},
        rootfs: { type: 'layers', diff_ids: layers.map((digest) => `sha256:${digest}`) }, history: image.history,
      });
      const name = `${digestOf(config)}.json`;
      writeFileSync(join(folder, name), config);
      return { Config: name, RepoTags: image.names, Layers: layers.map((digest) => `${digest}.tar`) };
    });
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
    tar(['-C', folder, '-cf', path, '.']);
    return path;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The bytes of a layer that holds what is in a folder. */
export function layerBytes(folder: string): Buffer {
  const { stdout } = spawnSync('tar', ['-C', folder, '--numeric-owner', '--sort=name', '-cf', '-', '.'], { maxBuffer: 256 * 2 ** 20 });
  return stdout;
}

function layerOf(folder: string, layer: string): string {
  const bytes = layerBytes(layer);
  const digest = digestOf(bytes);
  writeFileSync(join(folder, `${digest}.tar`), bytes);
  return digest;
}

function digestOf(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function tar(words: readonly string[]): void {
  const { status, stderr } = spawnSync('tar', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
