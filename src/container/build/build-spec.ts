/**
 * From what a caller asks for to a runtime-spec and what stands beside it. Pure: what only the host or the image can say
 * comes in. For a root file system folder the default profile is the base (`spec/defaults.ts`), for an image that with what
 * its config says (`image/run-config.ts`); for a bundle it is its config.json, and what the runtime-spec can say is as it stands there unless an option changes it.
 *
 * `privileged` opens most walls, but a wall that is asked for by its own option stands.
 */

import { defaultMemoryFsBytes, defaultStopSignal, defaultStopTimeoutMs, ociVersion } from '../../spec/defaults.js';
import { TsrunError } from '../../spec/errors.js';
import { Faults } from '../../spec/faults.js';
import { show } from '../../spec/quote.js';
import { parseSignal, readSignal } from '../../spec/signals.js';
import { imageAnnotations, imageStopSignal } from '../../image/run-config.js';
import type { ResolvedImage } from '../../image/resolved-image.js';
import type { Spec } from '../../spec/types.js';
import { validateSpec } from '../../spec/validate.js';
import { buildCapabilities } from './build-capabilities.js';
import { buildExtensions } from './build-extensions.js';
import { renameFiles, withoutMountsAt } from './build-files.js';
import type { BuildInput, BuiltSpec } from './build-input.js';
import { buildLinux, deviceMounts, devicesOf } from './build-linux.js';
import { buildMounts } from './build-mounts.js';
import { buildIdMaps, buildNamespaces, gidCount, type IdMaps, type NamespaceParts } from './build-namespaces.js';
import { checkNetwork, checkNetworkHost } from './build-network.js';
import { buildProcess, environment } from './build-process.js';
import { buildResources, type ResourceParts } from './build-resources.js';
import { systemPathsOpen } from './build-security.js';
import { checkConflicts, checkHost } from './check-conflicts.js';
import type { RunOptions } from '../options/options.js';
import { rootMode } from './root-mode.js';

export type { BuildInput, BuiltSpec } from './build-input.js';

/** @throws ERR_TSRUN_INVALID_ARGUMENT with the option's JSON pointer; ERR_TSRUN_HOST; for a bundle ERR_TSRUN_INVALID_SPEC */
export function buildSpec(input: BuildInput): BuiltSpec {
  const { options, image, host } = input;
  const faults = new Faults();
  const base = image.spec;
  const parts = buildNamespaces(options, base === undefined ? undefined : (base.linux?.namespaces ?? []));
  checkHost({ options, image, standing: parts.standing }, host);
  checkNetworkHost(options, host);
  const maps = buildIdMaps(parts.standing.user, base?.linux, input);
  checkConflicts({ ...input, maps, standing: parts.standing }, faults);
  const { spec, resources } = assemble(input, parts, maps, faults);
  checkNetwork(options, spec, faults);
  faults.throwIfAny('ERR_TSRUN_INVALID_ARGUMENT', 'option');
  const extensions = buildExtensions(input, { parts, resources, spec });
  const files = extensions.files ?? {};
  if (spec.mounts !== undefined) spec.mounts = withoutMountsAt(spec.mounts, files);
  validateSpec(withoutOwnProfile(spec, input), extensions);
  return { spec, extensions, ...stopping(options, image) };
}

/**
 * What `buildSpec` gives for the same input with another id. The id shows in the name alone that a container has when
 * nobody chose one.
 */
export function renameSpec(built: BuiltSpec, { options, image, user, id }: BuildInput): BuiltSpec {
  const { spec, extensions } = built;
  if (spec.hostname === undefined || spec.process === undefined || options.hostname !== undefined || image.spec !== undefined) return built;
  const hostname = hostnameFrom(id);
  const env = environment({ options, image, user, hostname }, spec.process.terminal === true);
  return {
    ...built,
    spec: { ...spec, hostname, process: { ...spec.process, env } },
    extensions: { ...extensions, ...(extensions.files !== undefined && { files: renameFiles(extensions.files, options, hostname) }) },
  };
}

/** Our own seccomp profile is most of a spec, and nothing in it came in from outside: a test checks it, not each start. */
function withoutOwnProfile(spec: Spec, { options, image }: BuildInput): unknown {
  const seccomp = spec.linux?.seccomp;
  const isGiven = typeof options.seccomp === 'object' || seccomp === image.spec?.linux?.seccomp;
  return isGiven ? spec : { ...spec, linux: { ...spec.linux, seccomp: undefined } };
}

interface Assembled {
  readonly spec: Spec;
  readonly resources: ResourceParts;
}

function assemble(input: BuildInput, parts: NamespaceParts, maps: IdMaps | undefined, faults: Faults): Assembled {
  const { options, image, host, user, maxNofile } = input;
  const { standing } = parts;
  const base = image.spec;
  const isBundle = image.kind === 'bundle';
  const hostname = hostnameOf(input, parts);
  const domainname = standing.uts === 'host' ? undefined : (options.domainname ?? base?.domainname);
  const uid = isBundle && options.user === undefined ? (base?.process?.user.uid ?? user.uid) : user.uid;
  const capabilities = buildCapabilities(
    { options, base: base?.process?.capabilities, isBundle, sharesUsers: standing.user === 'host', uid, host },
    faults,
  );
  const resources = buildResources({ options, base: base?.linux?.resources, isBundle, host, nodes: base?.linux?.devices ?? [], devices: devicesOf(input) }, faults);
  const kept: Partial<Spec> = { ...base };
  delete kept.hostname;
  delete kept.domainname;
  const spec: Spec = {
    ...kept,
    ociVersion: base?.ociVersion ?? ociVersion,
    root: { path: image.rootPath, readonly: rootMode(input).kind === 'read-only' },
    process: buildProcess({ options, image, user, maxNofile, hostname, capabilities, standIn: input.standIn }, faults),
    ...(hostname !== undefined && { hostname }),
    ...(domainname !== undefined && { domainname }),
    mounts: [...buildMounts({ ...mountInput(input, parts, maps), options, standing }, faults), ...deviceMounts(input)],
    ...annotations(options, image),
    linux: buildLinux(input, { parts, maps, resources, bounding: capabilities?.bounding ?? [] }),
  };
  return { spec, resources };
}

function mountInput(input: BuildInput, { standing }: NamespaceParts, maps: IdMaps | undefined) {
  const { options, image, hostCwd } = input;
  return {
    base: image.spec === undefined ? undefined : (image.spec.mounts ?? []),
    mappedGids: gidCount(input, maps, standing.user),
    sysWritable: systemPathsOpen(options),
    cgroupWritable: options.privileged === true,
    hostCwd,
    volumes: input.volumes ?? [],
    volumeBytes: volumeBytes(input),
    maps,
  };
}

/** As much as the root has. */
function volumeBytes(input: BuildInput): number {
  const mode = rootMode(input);
  return mode.kind === 'disposable' && mode.disk === undefined ? mode.sizeBytes : defaultMemoryFsBytes;
}

function hostnameOf({ options, image, id }: BuildInput, { standing }: NamespaceParts): string | undefined {
  if (standing.uts === 'host') return undefined;
  if (options.hostname !== undefined) return options.hostname;
  if (image.spec !== undefined) return image.spec.hostname;
  return standing.uts === 'new' ? hostnameFrom(id) : undefined;
}

/**
 * One label of at most 64 bytes (sethostname(2)). Not with the dots of an id: what ends in `.1` is a broken IPv4 address
 * to every URL parser, and the rest a domain that does not exist.
 */
export function hostnameFrom(id: string): string {
  const name = id.replace(/[^A-Za-z0-9-]/g, '-').slice(0, 64).replace(/^-+|-+$/g, '');
  return name === '' ? 'tsrun' : name;
}

function annotations({ labels = {}, annotations: asked = {} }: RunOptions, { config, spec: base }: ResolvedImage): Pick<Spec, 'annotations'> {
  const labelled = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${labelPrefix}${key}`, value]));
  const all = { ...(config === undefined ? base?.annotations : imageAnnotations(config)), ...asked, ...labelled };
  return Object.keys(all).length === 0 ? {} : { annotations: all };
}

/** Labels stand among the annotations, where every tool that reads a spec finds them. */
export const labelPrefix = 'tsrun.label.';

/** Where a bundle that was made of an image says which signal ends it (image-spec, conversion.md). */
const stopSignalAnnotation = 'org.opencontainers.image.stopSignal';

function stopping({ stopSignal, stopTimeoutMs }: RunOptions, { config, spec: base }: ResolvedImage): Pick<BuiltSpec, 'stopSignal' | 'stopTimeoutMs'> {
  // Of an image itself: a label of that name is no signal. It was checked with the rest of its config.
  const annotated = config === undefined ? base?.annotations?.[stopSignalAnnotation] : imageStopSignal(config);
  if (stopSignal === undefined && annotated !== undefined && readSignal(annotated) === undefined) {
    throw new TsrunError('ERR_TSRUN_INVALID_SPEC', `annotation ${stopSignalAnnotation}: ${show(annotated)} is not a signal`, {
      field: `/annotations/${stopSignalAnnotation}`,
      hint: 'name one with --stop-signal',
    });
  }
  return { stopSignal: parseSignal(stopSignal ?? annotated ?? defaultStopSignal), stopTimeoutMs: stopTimeoutMs ?? defaultStopTimeoutMs };
}
