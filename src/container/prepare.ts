/** From an image and options to everything that a launch needs. Reads files, touches nothing. */
import type { Addon } from '../engine/addon.js';
import type { SeccompCache } from '../engine/seccomp.js';
import { seccompFlags } from '../engine/seccomp-description.js';
import { limitsToWrites, missingLimitReason } from '../cgroup/limits.js';
import type { HostFacts } from '../host/facts.js';
import type { IdRange } from '../host/id-ranges.js';
import { systemReader } from '../host/reader.js';
import type { ResolvedImage } from '../image/resolved-image.js';
import { isSlug } from '../image/process-types.js';
import { checkRunConfig } from '../image/run-config.js';
import { resolveUser, type ReadInImage, type ResolvedUser } from '../image/users.js';
import type { PlanInput, StreamPlan } from '../plan/input.js';
import { TsrunError } from '../spec/errors.js';
import { show } from '../spec/quote.js';
import type { DiskUpper } from '../spec/extensions.js';
import type { Seccomp, Spec } from '../spec/types.js';
import { attachedNetwork, networkWarnings } from './build/build-network.js';
import { userToResolve } from './build/build-process.js';
import { checkPlatform } from './build/check-platform.js';
import { checkDescriptor } from './build/check-descriptors.js';
import { checkSources } from './build/check-sources.js';
import type { BuildInput } from './build/build-input.js';
import { buildSpec, type BuiltSpec } from './build/build-spec.js';
import { ownsMounts, visibleRoot } from './build/given-root.js';
import { ignoredFields } from './build/ignored-fields.js';
import { readVolumes } from './build/image-volumes.js';
import { imageReader, opaqueFolders } from './image-files.js';
import type { RunOptions, StdioChoice } from './options/options.js';
import type { StateRoot } from './state/state-root.js';
import type { SubordinateIds } from './ids/subordinate.js';
import { resolveDevices } from './build/resolve-devices.js';
import { resolveNamespaces, withoutOwnNamespaces } from './build/resolve-namespaces.js';
import { rootLack } from './build/root-mode.js';

/** A file of the image that names users or groups, as it was when it was read; null: not there. */
export interface AccountFile {
  readonly path: string;
  readonly limitBytes: number;
  readonly bytes: Buffer | null;
}

export interface Preparation extends BuiltSpec {
  readonly input: BuildInput;
  readonly accounts: readonly AccountFile[];
  /** Defaults that this host does not hold, and fields of the bundle that are not used. */
  readonly warnings: readonly string[];
}

export interface PrepareInput {
  readonly image: ResolvedImage;
  /** As `validateRunOptions` gives them. */
  readonly options: RunOptions;
  readonly id: string;
  /** Where other containers are found by name. */
  readonly root: StateRoot;
  readonly host: HostFacts;
  readonly addon: Addon;
  readonly idRange: IdRange | undefined;
  readonly maxNofile: number;
  /** Of an ordinary user's launcher. */
  readonly subordinate: SubordinateIds | undefined;
  /** The folder on disk that takes writes to a disposable root. */
  readonly upper?: DiskUpper | undefined;
  /** Where nobody names a program. */
  readonly standIn?: string | undefined;
}

export async function prepare({ image: found, options: given, id, root, host, addon, idRange, maxNofile, subordinate, standIn, upper }: PrepareInput): Promise<Preparation> {
  const options = resolveNamespaces(given, root);
  const image = withoutOwnNamespaces(found);
  if (image.config !== undefined) checkRunConfig(image.config, image.name);
  refuseWithoutStack(image);
  const platform = checkPlatform(image, host);
  const accounts: AccountFile[] = [];
  const isOwn = ownsMounts(options, image);
  const reader = imageReader(addon, host, { rootPath: visibleRoot(options, image), lowerLayers: isOwn ? image.lowerLayers : [] });
  const read = (innerPath: string, limitBytes: number) => {
    const bytes = reader(innerPath, limitBytes);
    accounts.push({ path: innerPath, limitBytes, bytes });
    return bytes;
  };
  const user = lookUpUser(options, image, read);
  const volumes = options.imageVolumes === 'ignore' ? [] : readVolumes(image, opaqueFolders(addon, host), host);
  const devices = await resolveDevices(options);
  const resolvConf = await readResolvConf(options);
  const cpuinfo = options.shownLimits?.cpus === undefined ? undefined : systemReader.read('/proc/cpuinfo');
  const input = { options, image, host, id, user, maxNofile, devices, volumes, resolvConf, cpuinfo, subordinate, standIn, upper, ...(idRange === undefined ? {} : { idRange }) };
  const built = buildSpec(input);
  await checkSources(built.spec, options, image);
  const ignored = ignoredFields(built.spec, options.strict === true);
  return { ...built, input, accounts, warnings: [...platform, ...strangers(image, built.spec), ...warningsOf(built, host), ...ignored] };
}

function refuseWithoutStack({ config, name, lowerLayers = [] }: ResolvedImage): void {
  if (config === undefined || !isSlug(config) || lowerLayers.length > 0) return;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `the slug ${show(name)} is an app alone, without a system to run it`, { field: '/stack', hint: 'name the image or folder of one with --stack' });
}

async function readResolvConf(options: RunOptions): Promise<string> {
  if (attachedNetwork(options) !== undefined) return (await import('../network/resolv-conf.js')).reachableServers(systemReader);
  return (options.network ?? 'none') === 'none' ? '' : (systemReader.read('/etc/resolv.conf') ?? '');
}

/** Words of the image's that name no user are a fault of the image, not of the caller. */
function lookUpUser(options: RunOptions, image: ResolvedImage, read: ReadInImage): ResolvedUser {
  const user = userToResolve(options, image);
  try {
    return resolveUser(user, options.groups ?? [], read);
  } catch (error) {
    const isImages = options.user === undefined && image.config !== undefined;
    if (!isImages || !TsrunError.is(error) || error.code !== 'ERR_TSRUN_INVALID_ARGUMENT' || error.field !== '/user') throw error;
    throw new TsrunError('ERR_TSRUN_IMAGE', `config of image ${show(image.name)}: User: ${error.message}`, { hint: 'name another with --user', cause: error });
  }
}

/** Owners without an id in the container's user namespace: the kernel shows them as the overflow id (user_namespaces(7)). */
function strangers({ highestId, name }: ResolvedImage, { linux }: Spec): string[] {
  const maps = [linux?.uidMappings ?? [], linux?.gidMappings ?? []].filter((each) => each.length > 0);
  if (highestId === undefined || maps.every((map) => map.some(({ containerID, size }) => highestId >= containerID && highestId < containerID + size))) return [];
  return [`the image ${show(name)} has files of owners up to ${highestId}, for which the container has no ids: they belong to nobody there (65534); --userns host shows them as they are`];
}

function warningsOf({ spec, extensions }: BuiltSpec, host: HostFacts): string[] {
  const defaulted = new Set(extensions.defaultedLimits ?? []);
  const { missing } = limitsToWrites(spec.linux?.resources ?? {}, host);
  const lack = rootLack(extensions.root, host);
  const limits = missing
    .filter(({ field }) => defaulted.has(field))
    .map((limit) => `the default ${limit.controller} limit is not held: ${missingLimitReason(limit)}`);
  return [...limits, ...(lack === undefined ? [] : [lack]), ...networkWarnings(extensions.network, spec)];
}

/** The compiled filter of a spec, from the cache. */
export function filterOf(seccomp: Seccomp | undefined, cache: SeccompCache): Pick<PlanInput, 'filter'> {
  return seccomp === undefined ? {} : { filter: { bytes: cache.compile(seccomp), flags: seccompFlags(seccomp) } };
}

export interface Streams {
  readonly plan: Pick<PlanInput, 'stdin' | 'stdout' | 'stderr'>;
  /** Descriptors of this process that go along, in the plan's order. */
  readonly passed: readonly number[];
}

const streamNames = ['stdin', 'stdout', 'stderr'] as const;

/** Where the standard streams go. @throws ERR_TSRUN_INVALID_ARGUMENT for a descriptor that is not open */
export function streamsOf({ stdin, stdout, stderr }: Pick<RunOptions, 'stdin' | 'stdout' | 'stderr'>, terminal: boolean): Streams {
  const passed: number[] = [];
  const read = (choice: StdioChoice, number: number): StreamPlan => {
    if (choice === 'pipe' || choice === 'ignore') return choice;
    const fd = choice === 'inherit' ? number : choice;
    checkDescriptor(fd, `/${streamNames[number] ?? 'stdin'}`, 'pass one that is open, or "ignore"');
    passed.push(fd);
    return 'passed';
  };
  if (terminal) return { plan: { stdin: 'pipe', stdout: stdout === 'ignore' ? 'ignore' : 'pipe', stderr: 'ignore' }, passed };
  const plan = { stdin: read(stdin ?? 'ignore', 0), stdout: read(stdout ?? 'pipe', 1), stderr: read(stderr ?? 'pipe', 2) };
  return { plan, passed };
}
