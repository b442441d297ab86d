/** What a start is asked for with, and what it needs around it. */
import type { Addon } from '../engine/addon.js';
import type { Launcher } from '../engine/launcher.js';
import type { SeccompCache } from '../engine/seccomp.js';
import type { HostFacts } from '../host/facts.js';
import type { IdRange } from '../host/id-ranges.js';
import type { Plan } from '../plan/plan.js';
import type { Extensions } from '../spec/extensions.js';
import type { Spec } from '../spec/types.js';
import type { NamedLauncher } from './connection.js';
import type { Container } from './container.js';
import type { OwnProgram } from './exec.js';
import type { SubordinateIds } from './ids/subordinate.js';
import type { RunOptions } from './options/options.js';
import type { Streams } from './prepare.js';
import type { LoadLibrary } from './start-images.js';
import type { ContainerRecord } from './state/record.js';
import type { StateRoot } from './state/state-root.js';

export interface LaunchRequest {
  readonly id: string;
  readonly image: string;
  readonly options: RunOptions;
  readonly awaitStart: boolean;
  readonly idRange: IdRange | undefined;
  readonly named: NamedLauncher;
  /** Called once: when it has ended, or when it could not be made (then without a container). */
  readonly onEnd: (container: Container | undefined) => void;
}

/** A program of tsrun's own, for a folder of the host: see `archiver/`. */
export interface ProgramRequest {
  readonly id: string;
  readonly spec: Spec;
  readonly extensions: Extensions;
  readonly program: OwnProgram;
  readonly streams: Streams;
  readonly named: NamedLauncher;
  readonly onEnd: (container: Container | undefined) => void;
}

export type PrepareRequest = Pick<LaunchRequest, 'id' | 'image' | 'options' | 'idRange'>;

export interface LaunchingSurroundings {
  readonly addon: Addon;
  readonly host: HostFacts;
  readonly root: StateRoot;
  readonly seccomp: SeccompCache;
  /** For images that are not run from a folder as it is. */
  readonly loadLibrary: LoadLibrary;
  /** Of an ordinary user's launcher. */
  readonly subordinate?: SubordinateIds | undefined;
  /** Below which upper layers lie that are on disk. */
  readonly imageRoot: string;
  /** What makes each start differ from the one before. Absent: the clock and chance. */
  readonly stamp?: () => Stamp;
}

export interface Stamp {
  readonly createdAtMs: number;
  /** Of the cgroup's name: never the same twice, so that nothing of an earlier container of this name can be hit. */
  readonly suffix: string;
}

export interface SettingsInput {
  readonly record: ContainerRecord;
  readonly launcher: Launcher;
  readonly warnings: readonly string[];
  readonly onEnd: (container: Container | undefined) => void;
}

export interface Compiled {
  readonly plan: Plan;
  readonly record: ContainerRecord;
  /** Descriptors of this process that go along. */
  readonly passed: readonly number[];
}
