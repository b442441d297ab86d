/** A bundle: its config.json, checked, with the paths in it made absolute. */
import { resolve } from 'node:path';
import { errnoName } from '../spec/errno.js';
import type { JsonValue } from '../spec/json.js';
import { makesNamespace } from '../spec/namespaces.js';
import { sysctlPath } from '../spec/sysctl-names.js';
import type { Mount, Spec } from '../spec/types.js';
import { readSpec } from './read-spec.js';
import { withAnnotations } from './annotations.js';
import { readyMounts } from './given-mounts.js';
import { configWithProcess } from './given-process.js';
import { readJsonFile } from './json-input.js';
import { realpathSync } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

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
  const config = configWithProcess(readConfig(resolve(path, configFile)));
  const spec = withAnnotations(readSpec(config));
  checkNames(spec);
  checkMaps(spec);
  const rootPath = resolve(path, spec.root?.path ?? 'rootfs');
  const mounts = readyMounts(spec.mounts ?? [], path);
  return { path, rootPath: rootOf(rootPath), config, spec: { ...spec, mounts }, sourceLinks: linksAmong(mounts) };
}

/** As runc and crun have it: one of the two would be passed over. */
function checkNames(spec: Spec): void {
  for (const name of Object.keys(spec.linux?.sysctl ?? {})) {
    const field = (['hostname', 'domainname'] as const).find((each) => sysctlPath(name) === `kernel/${each}`);
    if (field !== undefined && (spec[field] ?? '') !== '') throw new RuntimeError(`sysctl ${JSON.stringify(name)} is not allowed as it conflicts with the OCI ${JSON.stringify(field)} field`);
  }
}

/** The kernel takes no empty map (user_namespaces(7)). Of one that is joined the ids are mapped already. */
function checkMaps({ linux }: Spec): void {
  if ((linux?.uidMappings ?? []).length > 0 || !makesNamespace(linux, 'user')) return;
  throw new RuntimeError('user namespaces enabled, but no uid mappings found: give linux.uidMappings and linux.gidMappings, or leave the user namespace out');
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
    return readJsonFile(path);
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
