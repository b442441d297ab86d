/** What stands in a container's `state.json`: written once, before anything is made, and never changed. */
import { TsrunError } from '../../spec/errors.js';
import type { Healthcheck } from '../../image/documents.js';
import type { Extensions } from '../../spec/extensions.js';
import type { Spec } from '../../spec/types.js';
import { validateExtensions, validateSpec } from '../../spec/validate.js';

/** The form of records that this version writes. */
const recordVersion = 1;

/** What is remembered of a container: written before anything of it is made, and never changed. */
export interface ContainerRecord {
  /** Of the record's form; another version's is refused. */
  readonly version: typeof recordVersion;
  /** The container's name. */
  readonly id: string;
  /** The image folder's own name, or an image's whole name. */
  readonly image: string;
  /** Of an image of the store: `sha256:…` of its manifest. */
  readonly imageDigest?: string;
  /** The same of the stack that it lies on. */
  readonly stackDigest?: string;
  /** How an image wants its program to be asked whether it is well; nobody asks yet. */
  readonly healthcheck?: Healthcheck;
  /** Milliseconds since 1970, by the host's clock. */
  readonly createdAtMs: number;
  /** Of the boot in which it was made (/proc/sys/kernel/random/boot_id). */
  readonly bootId: string;
  /** Name of the launcher's socket in the state root. */
  readonly launcher: string;
  /** Path of the cgroup on the host; empty when there is none. */
  readonly cgroup: string;
  /** Folder with its root file system, on the host. */
  readonly rootPath: string;
  /** Number of the signal that `stop` sends first. */
  readonly stopSignal: number;
  /** Milliseconds between that and SIGKILL; -1 = for ever. */
  readonly stopTimeoutMs: number;
  /** As the caller gave them. */
  readonly labels: Readonly<Record<string, string>>;
  /** The runtime-spec that it was made from. */
  readonly spec: Spec;
  /** What stands beside the spec. */
  readonly extensions: Extensions;
  /** It was made by `create`, and its program waits for `start()`. */
  readonly awaitsStart?: true;
  /** It is a program of tsrun's own that works on files for a moment (`archiver/`): it is nobody's container, and `list` passes over it. */
  readonly internal?: true;
  /** The seccomp profile is tsrun's own; it is left out of `spec` and made again when it is needed. */
  readonly defaultSeccomp: boolean;
}

/** Bigints (rlimits) go as numbers in text; `parseJson` gives them back whole. */
export function writeRecord(record: ContainerRecord): string {
  try {
    return JSON.stringify(record);
  } catch {
    return writeWithBigints(record);
  }
}

/** Calling a function for each value makes it several times slower, so only records that need it come here. */
function writeWithBigints(record: ContainerRecord): string {
  const seen: string[] = [];
  const text = JSON.stringify(record, (_key, value: unknown) => {
    if (typeof value !== 'bigint') return value;
    seen.push(value.toString());
    return `@@bigint:${seen.length - 1}@@`;
  });
  return seen.length === 0 ? text : text.replace(/"@@bigint:(\d+)@@"/g, (_match, index: string) => seen[Number(index)] ?? '0');
}

export function readRecord(value: unknown, path: string): ContainerRecord {
  if (!isRecord(value)) throw new TsrunError('ERR_TSRUN_STATE', `'${path}' was written by another version of tsrun`, { hint: 'remove the container with the version that made it, or by force: tsrun rm -f' });
  const extensions = validateExtensions(value.extensions);
  return { ...value, extensions, spec: validateSpec(value.spec, extensions) };
}

function isRecord(value: unknown): value is ContainerRecord {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Record<string, unknown> = { ...value };
  const texts = ['id', 'image', 'bootId', 'launcher', 'cgroup', 'rootPath'];
  return (
    fields['version'] === recordVersion &&
    texts.every((name) => typeof fields[name] === 'string') &&
    typeof fields['createdAtMs'] === 'number' &&
    typeof fields['stopSignal'] === 'number' &&
    typeof fields['stopTimeoutMs'] === 'number'
  );
}
