/** A bundle: its config.json, checked, with the paths in it made absolute. */
import { isAbsolute, resolve } from 'node:path';
import { isBind } from '../spec/bind.js';
import { errnoName } from '../spec/errno.js';
import { parseJsonBytes, type JsonValue } from '../spec/json.js';
import { readMountOptions } from '../plan/mount-options.js';
import type { Mount, Spec } from '../spec/types.js';
import { validateSpec } from '../spec/validate.js';
import { withAnnotations } from './annotations.js';
import { withKnownCapabilities } from './capabilities.js';
import { logWarning } from './log.js';
import { asNode, realpathSync } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

const mostConfigBytes = 4 * 1024 * 1024;

export interface Bundle {
  readonly path: string;
  readonly rootPath: string;
  readonly spec: Spec;
  /** Where sources of binds lead that are links and are to be copied as such. */
  readonly sourceLinks: ReadonlyMap<string, string>;
  /** config.json as it was read. */
  readonly config: JsonValue;
}

/** @param configFile another than config.json, by its path from the bundle's folder */
export function readBundle(folder: string, configFile = 'config.json'): Bundle {
  const path = realpathSync(folder);
  const config = withKnownCapabilities(readConfig(resolve(path, configFile)));
  const spec = withAnnotations(validateSpec(config));
  const rootPath = resolve(path, spec.root?.path ?? 'rootfs');
  const absolute = withBindOptions(withAbsolutePaths(spec, path));
  return { path, rootPath: rootOf(rootPath), config, spec: absolute, sourceLinks: linksAmong(absolute.mounts ?? []) };
}

function withAbsolutePaths(spec: Spec, bundle: string): Spec {
  const { mounts } = spec;
  if (mounts === undefined) return spec;
  // config.md, "Mounts": a relative source of a bind is relative to the bundle.
  const absolute = mounts.map((mount) => (isBind(mount) && mount.source !== undefined && !isAbsolute(mount.source) ? { ...mount, source: resolve(bundle, mount.source) } : mount));
  return { ...spec, mounts: absolute };
}

/**
 * Binds without the values of a file system of their own (`mode=755`), which the kernel passes over (mount(2), "Creating a bind mount") and so
 * do runc, before 1.2, and crun. A word that nobody knows stays, and is refused: it may be a wall, misspelt.
 */
function withBindOptions(spec: Spec): Spec {
  if (spec.mounts === undefined) return spec;
  return { ...spec, mounts: spec.mounts.map((mount) => (isBind(mount) && !isRemount(mount) ? withoutValues(mount) : mount)) };
}

function withoutValues(mount: Mount): Mount {
  const { options = [] } = mount;
  const values = readMountOptions(options).data.filter((word) => word.includes('='));
  if (values.length === 0) return mount;
  logWarning(`ignoring options of a file system on the bind mount ${mount.destination}: ${values.join(',')}`);
  return { ...mount, options: options.filter((word) => !values.includes(word)) };
}

function isRemount({ options = [] }: Mount): boolean {
  return options.includes('remount');
}

function linksAmong(mounts: readonly Mount[]): Map<string, string> {
  const copied = mounts.flatMap(({ source, options = [] }) => (source !== undefined && options.includes('copy-symlink') ? [source] : []));
  return new Map(copied.flatMap((source) => leadsTo(source)));
}

/** None for what is no link, or not there. */
function leadsTo(source: string): [source: string, target: string][] {
  try {
    return [[source, host.readLink(source)]];
  } catch {
    return [];
  }
}

function readConfig(path: string): JsonValue {
  try {
    return parseJsonBytes(asNode(path, () => host.readFile(path, mostConfigBytes)), path);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') throw new RuntimeError(`JSON specification file ${path} not found`);
    throw error;
  }
}

function rootOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw new RuntimeError(`rootfs (${path}) ${errnoName(error) === 'ENOENT' ? 'does not exist' : String(errnoName(error))}`);
  }
}
