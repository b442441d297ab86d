/** What one row of the table of flags holds, and the draft that flags fill in. */
import type { AppManifest, DynoProfile, DynoSizes, LineForm, MetricsAddress, Procfile, PublishOptions, RestartPolicyName, RunOptions, SignalDelivery } from '../../index.js';
import type { ByType } from '../values/by-type.js';
import type { SortKey } from '../top/sort-keys.js';
import type { Completion, ValueContext, ValueKind, ValueType } from '../values/value-type.js';

export type CommandName =
  | 'run'
  | 'up'
  | 'scale'
  | 'restart'
  | 'agent'
  | 'ps'
  | 'exec'
  | 'attach'
  | 'logs'
  | 'stop'
  | 'kill'
  | 'rm'
  | 'pause'
  | 'unpause'
  | 'wait'
  | 'stats'
  | 'top'
  | 'inspect'
  | 'diff'
  | 'update'
  | 'cp'
  | 'gc'
  | 'explain'
  | 'doctor'
  | 'images'
  | 'pull'
  | 'load'
  | 'save'
  | 'tag'
  | 'rmi'
  | 'prune'
  | 'history'
  | 'layers'
  | 'mount'
  | 'unmount'
  | 'completion';

export const flagGroups = ['General', 'Formation', 'Images', 'Process', 'Files', 'Limits', 'Isolation', 'Network', 'Output'] as const;
export type FlagGroup = (typeof flagGroups)[number];

/** How `run --timings` shows them. */
export type TimingsForm = 'chart' | 'svg';

/** What flags say to the command itself rather than to the container. */
export interface CommandFlags {
  readonly detach?: boolean;
  readonly interactive?: boolean;
  readonly tty?: boolean;
  /** Where `run` writes the container's id; must not exist yet. */
  readonly cidfile?: string;
  readonly timings?: TimingsForm;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly follow?: boolean;
  /** `cp`: owners stay as they are; a link is what it leads to. */
  readonly archive?: boolean;
  readonly followLink?: boolean;
  /** Lines to show from the end; absent = all. */
  readonly tail?: number;
  /** Milliseconds since the epoch. */
  readonly sinceMs?: number;
  readonly timestamps?: boolean;
  /** Time before SIGKILL; -1 = for ever; absent = what the container was started with. */
  readonly timeoutMs?: number;
  readonly signal?: string;
  readonly force?: boolean;
  /** Links in what is mounted lead nowhere. */
  readonly noFollow?: boolean;
  readonly noStream?: boolean;
  /** `top`: between two samples, and the column that rows are sorted by. */
  readonly intervalMs?: number;
  readonly sortBy?: SortKey;
  readonly isolation?: boolean;
  /** `inspect --diff`: the other container. */
  readonly diffWith?: string;
  /** Where the image store lies. */
  readonly imageRoot?: string;
  /** `load`: the file or folder to read, as if it were named. */
  readonly input?: string;
  /** `load`, `pull`: a name to give. */
  readonly imageName?: string;
  /** `save`: where to write. */
  readonly output?: string;
  readonly format?: 'oci' | 'docker-archive';
  readonly type?: 'container' | 'image';
  readonly noTrunc?: boolean;
  readonly digests?: boolean;
  readonly names?: boolean;
  /** `layers --ci` and its thresholds. */
  readonly ci?: boolean;
  readonly lowestEfficiency?: number;
  readonly highestWastedBytes?: number;
  readonly highestUserWastedRatio?: number;
  /** `layers`: paths to show. */
  readonly top?: number;
  /** Name of an app; `up`: dynos of each type, commands of types, port, policy. */
  readonly appName?: string;
  /** `logs`: of this dyno, or of this process type. */
  readonly dyno?: string;
  readonly quantities?: Readonly<Record<string, number>>;
  readonly procfile?: Procfile;
  readonly appManifest?: AppManifest;
  readonly port?: number;
  readonly restart?: RestartPolicyName;
  /** `up`: what dynos may use, and whether the log has what they do. */
  readonly sizes?: DynoSizes;
  readonly runtimeMetrics?: boolean;
  /** `up`: how dynos are ended, and how soon web must listen. */
  readonly delivery?: ByType<SignalDelivery>;
  readonly stopSignals?: ByType<string>;
  readonly graceMs?: ByType<number>;
  readonly bootTimeoutMs?: number;
  readonly platformEnv?: Readonly<Record<string, string>>;
  readonly logLines?: LineForm;
  readonly dynoMetadata?: boolean;
  readonly profile?: DynoProfile;
  readonly metrics?: MetricsAddress;
  /** `up`: URLs. They may hold passwords. */
  readonly drains?: readonly string[];
  /** `up`: ports of the host for web, and how its dynos go. */
  readonly publish?: readonly PublishOptions[];
  readonly preboot?: boolean;
  /** `restart`: how dynos follow each other, and what they run then. */
  readonly rolling?: boolean;
  readonly newImage?: string;
  readonly idleMs?: number;
  /** `explain --diff`: a second set of flags follows after `--`. */
  readonly diff?: boolean;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What is filled in while flags are read. */
export interface Draft {
  readonly options: Mutable<RunOptions>;
  readonly flags: Mutable<CommandFlags>;
  /** From env files, which yield to `--env` wherever they stand. */
  fileEnv: Readonly<Record<string, string>>;
}

/** A row of the table. */
export interface Flag {
  /** Without dashes. */
  readonly name: string;
  /** One letter, without the dash. */
  readonly short?: string;
  readonly aliases?: readonly string[];
  /** What other tools call it, and what it is then to be written as: for the hint of who is used to them. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  readonly kind: ValueKind;
  /** How help names the value; empty for a boolean. */
  readonly placeholder: string;
  /** One line, lower case, no full stop. */
  readonly help: string;
  readonly group: FlagGroup;
  /** What holds when the flag is not given, as help shows it. */
  readonly default?: string;
  readonly commands: readonly CommandName[];
  readonly completion?: Completion | undefined;
  /** A value that is always allowed, for the reference and for tests that walk the table. */
  readonly example: string;
  /** Checks the text and fills in the draft. @throws ValueError */
  readonly apply: (draft: Draft, text: string, context: ValueContext) => void;
}

export interface FlagDefinition<T> extends Omit<Flag, 'kind' | 'placeholder' | 'example' | 'apply'> {
  readonly placeholder?: string;
  readonly example?: string;
  readonly apply: (draft: Draft, value: T) => void;
}

/** One row: a type of value, and what the value does. */
export function flag<T>(type: ValueType<T>, definition: FlagDefinition<T>): Flag {
  return {
    ...definition,
    kind: type.kind,
    placeholder: definition.placeholder ?? type.placeholder,
    completion: definition.completion ?? type.completion,
    example: definition.example ?? 'true',
    apply: (draft, text, context) => {
      definition.apply(draft, type.parse(text, context));
    },
  };
}

/** The last one wins, also one that takes back what was set. */
export function setOption<Name extends keyof RunOptions>(draft: Draft, name: Name, value: RunOptions[Name]): void {
  if (value === undefined) Reflect.deleteProperty(draft.options, name);
  else draft.options[name] = value;
}

/** Commands that take everything about a container. */
export const runLike = ['run', 'explain'] as const satisfies readonly CommandName[];
/** And those that start containers of an image, whatever else they decide themselves. */
export const starting = [...runLike, 'up'] as const satisfies readonly CommandName[];

export function emptyDraft(): Draft {
  return { options: {}, flags: {}, fileEnv: {} };
}
