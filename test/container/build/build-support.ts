/** An invented host and images to build specs for. */

import { buildSpec, type BuildInput, type BuiltSpec } from '../../../src/container/build/build-spec.js';
import type { RunOptions } from '../../../src/container/options/options.js';
import type { HostFacts } from '../../../src/host/facts.js';
import type { ResolvedImage } from '../../../src/image/resolved-image.js';
import { capabilityNames } from '../../../src/spec/capabilities.js';
import { TsrunError } from '../../../src/spec/errors.js';
import type { Spec } from '../../../src/spec/types.js';

export const host: HostFacts = {
  kernel: { major: 6, minor: 12, release: '6.12.0' },
  arch: 'x64',
  cgroup: { mode: 'v2', root: '/sys/fs/cgroup', base: '/tsrun', controllers: ['cpu', 'cpuset', 'memory', 'io', 'pids'], v1Controllers: {}, writable: true },
  uid: 0,
  gid: 0,
  capabilities: capabilityNames.filter((name) => name !== 'CAP_SYS_RESOURCE'),
  lastCapability: 40,
  landlockAbi: 6,
  cpuCount: 2,
  onlineCpus: '0-1',
  memoryBytes: 2 ** 34,
  pageBytes: 4096,
  swapBytes: 2 ** 30,
  supports: { overlay: true, userNamespaces: true, timeNamespaces: true, seccomp: true, apparmor: true, selinux: false, overlayLayerFds: true, idmappedTmpfs: true, deviceProgram: true },
};

export const rootfs: ResolvedImage = { kind: 'rootfs', rootPath: '/images/app', name: 'app' };

export const user = { uid: 0, gid: 0, additionalGids: [0], home: '/root' };

export const input: BuildInput = {
  options: { command: ['/bin/true'] },
  image: rootfs,
  host,
  id: 'run.1234',
  idRange: { start: 1_000_000, size: 65_536 },
  user,
  maxNofile: 1_048_576,
  devices: [],
  hostCwd: '/work',
};

/** With a command, unless the options hold one. */
export function build(options: RunOptions = {}, changes: Partial<BuildInput> = {}): BuiltSpec {
  return buildSpec({ ...input, ...changes, options: { ...input.options, ...options } });
}

export function bundle(spec: Partial<Spec> = {}): ResolvedImage {
  const base: Spec = {
    ociVersion: '1.2.0',
    root: { path: 'rootfs' },
    process: { user: { uid: 5, gid: 6 }, args: ['sh'], cwd: '/srv', env: ['PATH=/bin', 'A=1'] },
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] },
  };
  return { kind: 'bundle', rootPath: '/bundles/b/rootfs', name: 'b', spec: { ...base, ...spec } };
}

/** Without a command of its own. */
export function buildBundle(options: RunOptions = {}, spec: Partial<Spec> = {}, changes: Partial<BuildInput> = {}): BuiltSpec {
  return buildSpec({ ...input, ...changes, image: bundle(spec), options });
}

export function fault(run: () => unknown): TsrunError {
  try {
    run();
  } catch (error) {
    if (TsrunError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
