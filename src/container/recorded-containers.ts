/** Containers as their records and the kernel tell of them: who looks at them makes, starts and removes nothing. */
import { lookAtBase } from '../cgroup/layout.js';
import { loadNative } from '../engine/addon.js';
import type { HostFacts } from '../host/facts.js';
import { probeHost } from '../host/probe.js';
import { TsrunError } from '../spec/errors.js';
import { checkContainerId } from '../spec/ids.js';
import { readIsolation } from './isolation/isolation.js';
import type { IsolationReport } from './isolation/isolation-report.js';
import { validateRuntimeOptions } from './options/validate-calls.js';
import type { RuntimeOptions } from './runtime-options.js';
import { isUnreadable } from './state/discard.js';
import { livenessTest } from './state/garbage.js';
import { checkReadable, checkStateRoot } from './state/make-folder.js';
import { stateRootToLookAt, type StateRoot } from './state/state-root.js';
import { listSummaries, readSummary, type ContainerSummary } from './state/summary.js';

export interface RecordedContainersInput {
  readonly root: StateRoot;
  readonly host: HostFacts;
  /** Whether a launcher lives, asked anew at each look; where nobody can be asked, all do. */
  readonly newLivenessTest?: () => (launcher: string) => boolean;
}

/** What is known of containers, whoever started them. */
export class RecordedContainers {
  /** What this host can do; probed once, when this was opened. */
  readonly host: HostFacts;
  readonly #root: StateRoot;
  readonly #newLivenessTest: () => (launcher: string) => boolean;

  /** @internal `recordedContainers` makes one, and a runtime is one. */
  constructor({ root, host, newLivenessTest = () => () => true }: RecordedContainersInput) {
    [this.host, this.#root, this.#newLivenessTest] = [host, root, newLivenessTest];
  }

  /**
   * Every container in the state root, whoever started it; none whose record cannot be read, which `unreadable` names.
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * for (const { id, state, pid } of runtime.list()) console.log(id, state, pid);
   */
  list(): ContainerSummary[] {
    const isAlive = this.#newLivenessTest();
    return listSummaries(this.#root).filter((each) => isThere(each, isAlive));
  }

  /**
   * What is known of a container, whoever started it, from its record and its cgroup.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`; `ERR_TSRUN_STATE` for a record of another version
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const { id } = await runtime.run('./rootfs', { command: ['sleep', '1000'], labels: { team: 'web' } });
   * const { state, record } = runtime.inspect(id);
   * console.log(state, record.labels, record.spec.process?.args);
   */
  inspect(id: string): ContainerSummary {
    checkContainerId(id);
    const summary = readSummary(this.#root, id);
    if (summary !== undefined && isThere(summary, this.#newLivenessTest())) return summary;
    throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no container '${id}'`, { hint: 'tsrun ps -a lists them' });
  }

  /**
   * Which walls stand around a live container, as the kernel tells it now.
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const { id } = await runtime.run('./rootfs', { command: ['sleep', '1000'] });
   * const { namespaces, capabilities, seccomp } = runtime.isolation(id);
   * console.log(namespaces.filter((each) => each.sharedWithHost).map((each) => each.type), capabilities.effective, seccomp.mode);
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_STATE` when it has ended, `ERR_TSRUN_HOST` without the right to look
   */
  isolation(id: string): IsolationReport {
    const summary = this.inspect(id);
    const others = this.list().filter((other) => other.id !== id);
    return readIsolation({ summary, others, host: this.host, stillRuns: () => readSummary(this.#root, id)?.pid === summary.pid });
  }

  /** Names whose record is damaged, or was written by another version of tsrun: `list` passes over them. */
  unreadable(): string[] {
    return this.#root.ids().filter((id) => isUnreadable(this.#root, id));
  }

  /** Folder of the container's record and log, for `readLog`; there need not be one. */
  statePath(id: string): string {
    checkContainerId(id);
    return this.#root.containerPath(id);
  }
}

/** With its launcher a container has died, whatever its record says; garbage collection takes that away. */
function isThere({ state, record }: ContainerSummary, isAlive: (launcher: string) => boolean): boolean {
  return state === 'stopped' || isAlive(record.launcher);
}

/**
 * The containers of a state root for who only looks: no launcher is started, and nothing is made or removed. What a dead launcher left
 * is passed over, as if the garbage had been collected.
 *
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`, `ERR_TSRUN_NATIVE_LOAD`; `ERR_TSRUN_HOST` for a state root that may not be read
 *
 * @example
 * import { recordedContainers } from 'tsrun';
 * for (const { id, state, pid } of recordedContainers().list()) console.log(id, state, pid);
 */
export function recordedContainers(options: Pick<RuntimeOptions, 'root'> = {}): RecordedContainers {
  validateRuntimeOptions(options);
  if (options.root !== undefined) checkStateRoot(options.root, 'root');
  const { addon } = loadNative();
  const probed = probeHost({ native: addon });
  const root = stateRootToLookAt(options.root);
  checkReadable(root.path);
  return new RecordedContainers({ root, host: { ...probed, cgroup: lookAtBase(probed.cgroup) }, newLivenessTest: () => livenessTest(root, addon) });
}
