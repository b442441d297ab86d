/** From a bundle to a container that waits to be started: the common part of `create` and `run`. */
import type { HostFacts } from '../host/facts.js';
import { joinedIdMaps } from '../host/joined-maps.js';
import { systemReader } from '../host/reader.js';
import { clientFields } from '../plan/compile-hooks.js';
import { compilePlan } from '../plan/compile.js';
import type { PlanInput } from '../plan/input.js';
import type { Plan } from '../plan/plan.js';
import type { EventFailed, EventReached } from '../plan/wire.generated.js';
import { systemErrorName } from '../spec/errno.js';
import type { IdMaps, Spec } from '../spec/types.js';
import { hookOutputFiles, keepsGroups, pidfdReceiver } from './annotations.js';
import { readBundle, type Bundle } from './bundle.js';
import { handCgroupOver } from './cgroup-owner.js';
import { CgroupTaken, noPlace, placeInTree, type CgroupPlace } from './cgroup-place.js';
import { refuseBelowFrozen } from './cgroups.js';
import { sendProcess, takeTerminal } from './console.js';
import { delegateCgroup } from './delegated-cgroup.js';
import { failureOf } from './failure.js';
import { filterOf } from './filter.js';
import { withHookOutputs } from './hook-outputs.js';
import { hookStateOf, runHooks, startHooksOf } from './hooks.js';
import { moveInterfaces } from './interfaces.js';
import { asLauncherCounts } from './launcher-ids.js';
import { handListenerOver, isListener } from './listener.js';
import { logWarning } from './log.js';
import { makeNoticeFolder, withNotices } from './notices.js';
import { OneShotLauncher } from './one-shot.js';
import { existsSync, writeFileSync } from './platform/fs.js';
import { host } from './platform/host.js';
import { nameProcess } from './processes.js';
import { joinResctrlGroup, resctrlGroupOf } from './resctrl.js';
import { removeAll } from './remove-container.js';
import { RuntimeError } from './runtime-error.js';
import type { CgroupManager } from './settings.js';
import { bootId, StateFolder, type ContainerRecord } from './state.js';
import { passedDescriptors, streamsOf, withListening } from './streams.js';
import { hostFacts } from './surroundings.js';
import { systemd } from './systemd-module.js';
import { tellPlan } from './tell-plan.js';

export interface CreateRequest {
  readonly root: string;
  readonly id: string;
  readonly bundle: string;
  /** Another file than config.json. */
  readonly config?: string | undefined;
  readonly consoleSocket?: string | undefined;
  readonly pidfdSocket?: string | undefined;
  readonly pidFile?: string | undefined;
  /** Descriptors that the program is to listen at. */
  readonly listeningCount: number;
  /** All that the program inherits: those first, then those of `--preserve-fds`. */
  readonly inheritedCount: number;
  readonly keepsKeyring: boolean;
  /** A host where none can be made is an error, even where no limit is asked for. */
  readonly needsCgroup: boolean;
  readonly cgroupManager: CgroupManager;
  /** The caller itself is at the container's terminal. */
  readonly keepsTerminal?: boolean;
}

export interface Created {
  readonly folder: StateFolder;
  readonly launcher: OneShotLauncher;
  readonly pid: number;
  /** The terminal's master, where the caller keeps it; else -1. */
  readonly terminal: number;
}

export function createContainer(request: CreateRequest): Created {
  const given = readBundle(request.bundle, request.config);
  const bundle = { ...given, spec: withNotices(withListening(given.spec, request.listeningCount), `${request.root}/${request.id}`) };
  checkTerminal(bundle, request);
  const facts = hostFacts();
  const place = placeOf(bundle.spec, request, facts);
  if (place.cgroup === '' && request.needsCgroup) throw new RuntimeError('no cgroup can be made here, and --rootless=false does without none');
  const record = recordOf(request, bundle, place);
  // Asked before there is a record: whoever finds one undoes what it names. A cgroup of this id's has a folder before it.
  if (place.cgroup !== '' && existsSync(place.cgroup) && !existsSync(`${request.root}/${request.id}`)) throw new CgroupTaken(takenWords(place.cgroup));
  refuseBelowFrozen(place.cgroup);
  const folder = StateFolder.make(request.root, record);
  try {
    makeNoticeFolder(folder.path);
    const created = place.during((spec, prepared) => launch(request, { ...bundle, spec }, folder, record, prepared));
    delegate(created, place.cgroup, bundle.spec);
    if (place.cgroup === '' && request.cgroupManager !== 'disabled') logWarning('no cgroup can be made here: the container has none, and no limits (run in a delegated one; systemd: Delegate=yes)');
    return created;
  } catch (error) {
    removeAll(folder, error instanceof CgroupTaken ? { ...record, cgroup: '', unit: undefined } : record);
    throw error;
  }
}

/** When nobody else is in the cgroup any more, as who held it open for systemd. */
function delegate({ pid, launcher }: Created, cgroup: string, spec: Spec): void {
  try {
    delegateCgroup(cgroup, spec, pid, joinedIdMaps(spec, {}));
  } catch (error) {
    launcher.close();
    throw error;
  }
}

function placeOf(spec: Spec, { id, cgroupManager }: CreateRequest, facts: HostFacts): CgroupPlace {
  if (cgroupManager === 'systemd') return systemd().placeOf(spec, id, facts);
  return cgroupManager === 'cgroupfs' ? placeInTree(spec, id, facts) : noPlace(spec, facts);
}

function launch(request: CreateRequest, bundle: Bundle, folder: StateFolder, record: ContainerRecord, facts: HostFacts): Created {
  // Not earlier: who is alone in its cgroup leaves it for the container's (src/cgroup/layout.ts), and the launcher would be there too.
  const launcher = new OneShotLauncher();
  try {
    const joined = joinedIdMaps(bundle.spec, {});
    const plan = compilePlan(planInput(request, { ...bundle, spec: asLauncherCounts(bundle.spec) }, folder, record, facts, joined));
    tellPlan(plan);
    const reached = (event: EventReached): void => {
      if (isListener(event, plan)) handListenerOver(event, bundle.spec, record, 'creating', launcher);
      else serve(plan.steps[event.step]?.field ?? '', bundle.spec, record, event.pid, launcher);
    };
    const passed = passedDescriptors(bundle.spec.process?.terminal === true, request.inheritedCount);
    const event = withHookOutputs(record, (outputs) => launcher.launch(request.id, plan, [...passed, ...outputs.filter((each) => each >= 0)], { reached }));
    if (event.op === 'failed') throw isCgroupTaken(event, plan) ? new CgroupTaken(takenWords(record.cgroup)) : failureOf(event, plan, bundle.spec.process?.args[0] ?? '');
    if (event.op !== 'started') throw new RuntimeError('the launcher said nothing of the container');
    handCgroupOver(record.cgroup, bundle.spec, joined);
    const terminal = takeTerminal(event, plan, launcher, request);
    folder.write({ ...record, init: nameProcess(event.pid), ...startHooksOf(plan) });
    for (const socket of [request.pidfdSocket, pidfdReceiver(bundle.spec)]) sendProcess(socket, event.pid, 'standard');
    if (request.pidFile !== undefined) writeFileSync(request.pidFile, String(event.pid));
    return { folder, launcher, pid: event.pid, terminal };
  } catch (error) {
    launcher.close();
    throw error;
  }
}

/** Somebody was quicker. */
function isCgroupTaken({ step, error }: EventFailed, { steps }: Plan): boolean {
  return steps[step]?.step.op === 'makeCgroup' && systemErrorName(error) === 'EEXIST';
}

function takenWords(cgroup: string): string {
  return `cgroup ${cgroup} is there already: it is another container's, or was not removed`;
}

/** Does what the first process waits for. */
function serve(field: string, { linux }: Spec, record: ContainerRecord, pid: number, launcher: OneShotLauncher): void {
  if (field === clientFields.netDevices) moveInterfaces(linux?.netDevices ?? {}, pid);
  else if (field === clientFields.intelRdt && record.resctrl !== undefined) joinResctrlGroup(record.resctrl, linux?.intelRdt ?? {}, pid);
  // Step 2 of the lifecycle is over (runtime.md, "State"); as crun has it, where runc says "creating".
  else runHooks(['prestart', 'createRuntime'], record, 'created', pid);
  launcher.proceed();
}

/**
 * What a plan is compiled from. Asks the host for nothing but a compiled filter.
 *
 * @param joined the maps of a user namespace that is joined
 */
export function planInput({ inheritedCount, keepsKeyring }: CreateRequest, bundle: Bundle, folder: StateFolder, record: ContainerRecord, facts: HostFacts, joined: IdMaps | undefined): PlanInput {
  const { cgroup, unit } = record;
  const { spec, rootPath, sourceLinks } = bundle;
  const hookOutputs = hookOutputFiles(spec);
  return {
    spec,
    extensions: {},
    host: facts,
    rootPath,
    rootOwned: true,
    sourceLinks,
    ...streamsOf(spec.process?.terminal === true),
    awaitStart: true,
    outlivesLauncher: true,
    startFifos: { start: folder.fifo, report: folder.report },
    ociRuntime: {
      hookState: hookStateOf(record),
      hookOutputs: { stdout: hookOutputs.stdout !== undefined, stderr: hookOutputs.stderr !== undefined },
    },
    hasListener: true,
    inheritedCount,
    ...(joined === undefined ? {} : { joinedIdMaps: joined }),
    keepsKeyring,
    keepsGroups: keepsGroups(spec),
    findsHome: true,
    ...(cgroup === '' ? {} : { cgroupPath: cgroup }),
    cgroupIsThere: unit !== undefined,
    ...filterOf(spec, facts, folder.root),
  };
}

/** From then on the container is nobody's child, and waits for `start`. */
export function letGo({ folder, launcher }: Created): void {
  try {
    launcher.start();
    launcher.release();
  } catch (error) {
    launcher.close();
    removeAll(folder, folder.read());
    throw error;
  }
  launcher.close();
}

/** runc's checks, in its words (utils_linux.go). */
function checkTerminal({ spec }: Bundle, { consoleSocket, keepsTerminal = false }: CreateRequest): void {
  if (spec.process?.terminal === true && consoleSocket === undefined && !keepsTerminal) throw new RuntimeError('cannot allocate tty if runc will detach without setting console socket');
  if (spec.process?.terminal !== true && consoleSocket !== undefined) throw new RuntimeError('cannot use console socket if runc will not detach or allocate tty');
}

function recordOf({ id, keepsKeyring }: CreateRequest, { path, rootPath, config, spec }: Bundle, { cgroup, unit }: CgroupPlace): ContainerRecord {
  return {
    version: 1,
    id,
    bundle: path,
    rootfs: rootPath,
    created: new Date().toISOString(),
    owner: ownerName(),
    bootId: bootId(),
    cgroup,
    ...(unit === undefined ? {} : { unit }),
    hooks: spec.hooks,
    ...(spec.linux?.intelRdt === undefined ? {} : { resctrl: resctrlGroupOf(spec.linux.intelRdt, id) }),
    ...(keepsKeyring && { keepsKeyring }),
    spec: config,
  };
}

function ownerName(): string {
  const { uid } = host.ids();
  const line = (systemReader.read('/etc/passwd') ?? '').split('\n').find((each) => each.split(':')[2] === String(uid));
  return line?.split(':')[0] ?? '';
}
