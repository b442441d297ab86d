/** A further program in a live container. */
import type { Addon } from '../engine/addon.js';
import type { Launcher } from '../engine/launcher.js';
import type { SeccompCache } from '../engine/seccomp.js';
import { isFrozen } from '../cgroup/control.js';
import type { HostFacts } from '../host/facts.js';
import { resolveUser, type ReadInImage, type ResolvedUser } from '../image/users.js';
import { compileExec } from '../plan/compile-exec.js';
import { Namespaces } from '../plan/namespaces.js';
import { encodePlan, type Plan } from '../plan/plan.js';
import { TsrunError } from '../spec/errors.js';
import { Faults } from '../spec/faults.js';
import { defaultSeccomp } from '../spec/seccomp-profile.js';
import type { Process, Seccomp, User } from '../spec/types.js';
import { availableCapabilities } from './build/build-capabilities.js';
import { execEnvironment } from './build/build-process.js';
import { checkIdsAreMapped } from './build/check-ids.js';
import type { ExecOptions } from './options/exec-options.js';
import { readIdMaps } from '../host/joined-maps.js';
import { filterOf, streamsOf, type Streams } from './prepare.js';
import type { ContainerRecord } from './state/record.js';
import { RunningProcess, type ProcessSettings } from './running-process.js';
import type { Start } from './start.js';
import { setupError } from './failures/setup-error.js';
import { validateExecOptions } from './options/validate-exec.js';

/** A live container, as far as it matters here. */
export interface ExecTarget {
  readonly pid: number;
  readonly state: 'created' | 'running' | 'stopped';
  readonly record: ContainerRecord;
  readonly launcher: Launcher;
}

/** Where and as what a process was executed. */
interface ExecOrigin {
  readonly container: ExecTarget;
  readonly process: Process;
}

/** A process that was executed in a container. It ends with the container at the latest. */
export class ExecProcess extends RunningProcess {
  /** @internal */
  readonly origin: ExecOrigin;

  constructor(settings: ProcessSettings, start: Start, origin: ExecOrigin) {
    super(settings, start);
    this.origin = origin;
  }
}

export interface ExecSurroundings {
  readonly host: HostFacts;
  readonly addon: Addon;
  readonly seccomp: SeccompCache;
}

export async function executeIn(container: ExecTarget, given: ExecOptions, { host, addon, seccomp }: ExecSurroundings): Promise<ExecProcess> {
  const options = validateExecOptions(given);
  const { record } = container;
  refusePaused(record);
  const { survive = false, detachable = survive } = options;
  const readInRoot = (path: string, limitBytes: number) => addon.readInRoot(`/proc/${container.pid}/root`, path, limitBytes);
  const process = execProcess(record, options, host, readInRoot);
  checkIds(container.pid, process, options);
  const { plan: streams, passed } = streamsOf(options, process.terminal === true);
  const filter = options.privileged === true ? undefined : seccompOf(record, host);
  const plan = compileExec({
    containerId: record.id,
    spec: record.spec,
    extensions: record.extensions,
    privileged: options.privileged === true,
    process,
    hasCgroup: record.cgroup !== '',
    survive,
    drainTerminal: process.terminal === true && detachable,
    host,
    ...streams,
    ...filterOf(filter, seccomp),
  });
  return sendExec({ container, process }, plan, passed, { addon, readInRoot });
}

interface ExecSending {
  readonly addon: Addon;
  readonly readInRoot: ReadInImage;
}

async function sendExec(origin: ExecOrigin, plan: Plan, passed: readonly number[], { addon, readInRoot }: ExecSending): Promise<ExecProcess> {
  const { container: { launcher, record } } = origin;
  const executed = new ExecProcess(
    {
      launcher,
      stopSignal: record.stopSignal,
      stopTimeoutMs: record.stopTimeoutMs,
      resizeTerminal: (fd, rows, columns) => {
        addon.setWindowSize(fd, rows, columns);
      },
    },
    { plan, awaitsStart: false, explain: (event) => setupError(event, plan, { syscallName: (number) => addon.syscallName(number), readInRoot }) },
    origin,
  );
  executed.bind(launcher.launch('', encodePlan(plan), passed, executed));
  await executed.started;
  return executed;
}

/** A program that comes along as a descriptor, with folders of the host to read. */
export interface OwnProgram {
  readonly fd: number;
  readonly layers: readonly string[];
  /** See `ProgramPlan`. */
  readonly upperOf?: string | undefined;
  readonly upper?: string | undefined;
}

export interface OwnExec {
  readonly program: Pick<OwnProgram, 'fd'>;
  readonly process: Process;
  readonly filter: Seccomp;
  readonly streams: Streams;
}

/** A program of tsrun's own in the mounts of a live container, also of one that is paused; behind a filter of its own, and apart from the container's processes. */
export async function executeProgramIn(container: ExecTarget, { program, process, filter, streams }: OwnExec, { host, addon, seccomp }: ExecSurroundings): Promise<ExecProcess> {
  const { record: { id, spec, extensions, cgroup } } = container;
  const plan = compileExec({
    containerId: id,
    spec,
    extensions,
    privileged: false,
    process,
    hasCgroup: cgroup !== '',
    survive: false,
    drainTerminal: false,
    host,
    program: { layers: [] },
    ...streams.plan,
    ...filterOf(filter, seccomp),
  });
  return sendExec({ container, process }, plan, [...streams.passed, program.fd], { addon, readInRoot: () => null });
}

/** A program that is started in a frozen container stands still with it, and nobody would know why. */
function refusePaused({ id, cgroup }: ContainerRecord): void {
  if (cgroup === '' || !isFrozen(cgroup)) return;
  throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' is paused`, { hint: `resume it first: tsrun unpause ${id}` });
}

/** The container's own process with what the caller wants to be different. */
function execProcess({ spec, extensions }: ContainerRecord, options: ExecOptions, host: HostFacts, read: ReadInImage): Process {
  const base: Process = spec.process ?? { user: { uid: 0, gid: 0 }, args: [], cwd: '/' };
  const { terminal = false } = options;
  const resolved = options.user === undefined && options.groups === undefined ? undefined : resolveUser(options.user ?? `${base.user.uid}:${base.user.gid}`, options.groups ?? [], read);
  const process: Process = {
    ...base,
    args: [...options.command],
    env: execEnvironment({ base: base.env ?? [], terminal: terminal !== false, home: options.user === undefined || !hasOwnHome(base, read) ? undefined : resolved?.home, asked: options.env ?? {} }),
    cwd: options.cwd ?? base.cwd,
    terminal: terminal !== false,
  };
  if (typeof terminal === 'object') process.consoleSize = { height: terminal.rows, width: terminal.columns };
  if (resolved !== undefined) process.user = userOf(base.user, resolved, options.user !== undefined);
  if (options.cpuAffinity !== undefined) process.execCPUAffinity = { final: options.cpuAffinity };
  if (options.privileged === true) {
    const all = [...availableCapabilities({ sharesUsers: new Namespaces(spec.linux, extensions.namespaceFds).isShared('user'), host })];
    process.capabilities = { bounding: all, permitted: all, effective: all };
    process.noNewPrivileges = false;
  }
  return process;
}

/** Or was another asked for, which is then every user's. */
function hasOwnHome({ env = [], user }: Process, read: ReadInImage): boolean {
  return env.includes(`HOME=${resolveUser(`${user.uid}:${user.gid}`, [], read).home}`);
}

/** Further groups alone add to those that the container's own user has. */
function userOf(base: User, { uid, gid, additionalGids }: ResolvedUser, isAnother: boolean): User {
  const kept = isAnother ? [] : (base.additionalGids ?? []);
  return { ...base, uid, gid, additionalGids: [...new Set([...kept, ...additionalGids])] };
}

/** As the kernel tells it, since the container may have joined a user namespace whose maps nobody gave. */
function checkIds(pid: number, { user: { uid, gid, additionalGids = [] } }: Process, { groups = [] }: ExecOptions): void {
  const maps = readIdMaps(`/proc/${pid}`);
  if (maps === undefined) return;
  const faults = new Faults();
  checkIdsAreMapped({ uid, gid, additionalGids, home: '' }, maps, groups, faults);
  faults.throwIfAny('ERR_TSRUN_INVALID_ARGUMENT', 'option');
}

function seccompOf({ spec, extensions, defaultSeccomp: isDefault }: ContainerRecord, host: HostFacts): Seccomp | undefined {
  if (!isDefault) return spec.linux?.seccomp;
  const userNamespace = !new Namespaces(spec.linux, extensions.namespaceFds).isShared('user');
  return defaultSeccomp({ arch: host.arch, capabilities: spec.process?.capabilities?.bounding ?? [], userNamespace });
}
