/** A further program in a live container. */
import type { Addon } from '../engine/addon.js';
import type { SeccompCache } from '../engine/seccomp.js';
import { isFrozen } from '../cgroup/control.js';
import type { HostFacts } from '../host/facts.js';
import { resolveUser } from '../image/users.js';
import { compileExec } from '../plan/compile-exec.js';
import { encodePlan } from '../plan/plan.js';
import { cpuList } from '../spec/schema-common.js';
import { TsrunError } from '../spec/errors.js';
import { assertShape } from '../spec/shape.js';
import { defaultSeccomp } from '../spec/seccomp-profile.js';
import { capabilityNames } from '../spec/capabilities.js';
import type { Process, Seccomp } from '../spec/types.js';
import type { Container } from './container.js';
import type { RunOptions } from './options.js';
import { filterOf, streamsOf } from './prepare.js';
import type { ContainerRecord } from './record.js';
import { RunningProcess } from './running-process.js';
import { setupError } from './setup-error.js';

/** What `Runtime.exec` may be asked for; what is left out is as the container's own program has it. */
export interface ExecOptions extends Pick<RunOptions, 'env' | 'cwd' | 'user' | 'groups' | 'terminal' | 'stdin' | 'stdout' | 'stderr' | 'privileged'> {
  /** Program and arguments. A program without a slash is looked for in the PATH of `env`, else of the container. */
  readonly command: readonly string[];
  /** Processors to run on, as in `0-3,8`. Default: what the container's `process.execCPUAffinity.final` says, else all of its own. */
  readonly cpuAffinity?: string;
  /** It goes on when this process ends. Default: false. */
  readonly survive?: boolean;
  /** With a terminal: `keep` may leave it running later, because the launcher reads along. Default: false, true with `survive`. */
  readonly detachable?: boolean;
}

/** A process that was executed in a container. It ends with the container at the latest. */
export class ExecProcess extends RunningProcess {}

export interface ExecSurroundings {
  readonly host: HostFacts;
  readonly addon: Addon;
  readonly seccomp: SeccompCache;
}

export async function executeIn(container: Container, options: ExecOptions, { host, addon, seccomp }: ExecSurroundings): Promise<ExecProcess> {
  const { record } = container;
  refusePaused(record);
  const { survive = false, detachable = survive } = options;
  const readInRoot = (path: string, limitBytes: number) => addon.readInRoot(`/proc/${container.pid}/root`, path, limitBytes);
  const process = execProcess(record, options, readInRoot);
  const { plan: streams, passed } = streamsOf(options, process.terminal === true);
  const filter = options.privileged === true ? undefined : seccompOf(record, host);
  const plan = compileExec({
    containerId: record.id,
    spec: record.spec,
    extensions: options.privileged === true ? { ...record.extensions, landlockScopes: false } : record.extensions,
    process,
    hasCgroup: record.cgroup !== '',
    survive,
    drainTerminal: process.terminal === true && detachable,
    host,
    ...streams,
    ...filterOf(filter, seccomp),
  });
  const executed = new ExecProcess(
    {
      launcher: container.launcher,
      stopSignal: record.stopSignal,
      stopTimeoutMs: record.stopTimeoutMs,
      resizeTerminal: (fd, rows, columns) => {
        addon.setWindowSize(fd, rows, columns);
      },
      explain: (event) => setupError(event, plan, { syscallName: (number) => addon.syscallName(number), readInRoot }),
    },
    plan,
  );
  executed.bind(container.launcher.launch('', encodePlan(plan), passed, executed));
  await executed.started;
  return executed;
}

/** A program that is started in a frozen container stands still with it, and nobody would know why. */
function refusePaused({ id, cgroup }: ContainerRecord): void {
  if (cgroup === '' || !isFrozen(cgroup)) return;
  throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' is paused`, { hint: `resume it first: tsrun unpause ${id}` });
}

/** The container's own process with what the caller wants to be different. */
function execProcess({ spec }: ContainerRecord, options: ExecOptions, read: (path: string, limitBytes: number) => Buffer | null): Process {
  const base: Process = spec.process ?? { user: { uid: 0, gid: 0 }, args: [], cwd: '/' };
  const { terminal = false } = options;
  const process: Process = {
    ...base,
    args: [...options.command],
    env: mergeEnvironment(base.env ?? [], options.env ?? {}),
    cwd: options.cwd ?? base.cwd,
    terminal: terminal !== false,
  };
  if (typeof terminal === 'object') process.consoleSize = { height: terminal.rows, width: terminal.columns };
  if (options.user !== undefined) {
    const { uid, gid, additionalGids } = resolveUser(options.user, options.groups ?? [], read);
    process.user = { ...base.user, uid, gid, additionalGids: [...additionalGids] };
  }
  if (options.cpuAffinity !== undefined) {
    assertShape(cpuList, options.cpuAffinity, 'ERR_TSRUN_INVALID_ARGUMENT', 'option cpuAffinity');
    process.execCPUAffinity = { final: options.cpuAffinity };
  }
  if (options.privileged === true) {
    const all = [...capabilityNames];
    process.capabilities = { bounding: all, permitted: all, effective: all };
    process.noNewPrivileges = false;
  }
  return process;
}

function mergeEnvironment(base: readonly string[], added: Readonly<Record<string, string>>): string[] {
  const kept = base.filter((entry) => !Object.hasOwn(added, entry.slice(0, entry.indexOf('='))));
  return [...kept, ...Object.entries(added).map(([name, value]) => `${name}=${value}`)];
}

function seccompOf({ spec, defaultSeccomp: isDefault }: ContainerRecord, host: HostFacts): Seccomp | undefined {
  if (!isDefault) return spec.linux?.seccomp;
  const userNamespace = spec.linux?.namespaces?.some(({ type }) => type === 'user') ?? false;
  return defaultSeccomp({ arch: host.arch, capabilities: spec.process?.capabilities?.bounding ?? [], userNamespace });
}
