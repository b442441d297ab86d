/** The process that `exec` starts: from a file, or from the container's own with what the flags say. */
import type { JsonValue } from '../spec/json.js';
import type { Process, Spec } from '../spec/types.js';
import { readChangedSpec, readStoredSpec } from './read-spec.js';
import { knownAmong } from './capabilities.js';
import { givenProcess, lastValues } from './given-process.js';
import { isObject, readJsonFile } from './json-input.js';
import { RuntimeError } from './runtime-error.js';
import { textOf, type Words } from './words.js';

export function execProcess(spec: Spec, words: Words): Process {
  const file = textOf(words, 'process');
  return file === undefined ? fromFlags(spec, words) : fromFile(spec, file);
}

function fromFile(spec: Spec, path: string): Process {
  const process = withOwn(givenProcess(readJsonFile(path), spec.linux), spec.process);
  return requireProcess(readChangedSpec(spec, 'process', process));
}

/** What the file does not say of walls is the container's, as with runc and, of capabilities, crun. */
function withOwn(given: JsonValue, { capabilities, apparmorProfile, selinuxLabel, oomScoreAdj }: Partial<Process> = {}): unknown {
  if (!isObject(given)) return given;
  const own = Object.entries({ capabilities, apparmorProfile, selinuxLabel, oomScoreAdj }).filter(([name, value]) => value !== undefined && given[name] === undefined);
  return { ...given, ...Object.fromEntries(own) };
}

function fromFlags(spec: Spec, words: Words): Process {
  const [, ...args] = words.rest;
  if (args.length === 0) throw new RuntimeError('process args cannot be empty');
  const own = requireProcess(spec);
  const [apparmorProfile, selinuxLabel] = [textOf(words, 'apparmor'), textOf(words, 'process-label')];
  const process: Process = {
    ...own,
    args,
    terminal: words.flags.has('tty'),
    cwd: textOf(words, 'cwd') ?? own.cwd,
    env: lastValues([...(own.env ?? []), ...(words.texts.get('env') ?? [])]),
    user: userOf(own.user, words),
    ...(words.flags.has('no-new-privs') ? { noNewPrivileges: true } : {}),
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
    ...withCapabilities(own, knownAmong(words.texts.get('cap') ?? [], spec.linux)),
  };
  return requireProcess(readStoredSpec({ ...spec, process }));
}

/** `uid[:gid]`, as numbers: names would be those of the image. */
function userOf(own: Process['user'], words: Words): Process['user'] {
  const groups = (words.texts.get('additional-gids') ?? []).map(Number);
  const text = textOf(words, 'user');
  const additional = groups.length === 0 ? {} : { additionalGids: [...(own.additionalGids ?? []), ...groups] };
  if (text === undefined) return { ...own, ...additional };
  const match = /^(\d+)(?::(\d+))?$/.exec(text);
  if (match === null) throw new RuntimeError(`parsing ${text} as int for uid failed: invalid syntax`);
  return { ...own, uid: Number(match[1]), gid: match[2] === undefined ? own.gid : Number(match[2]), ...additional };
}

/** Into every set but the ambient one, as runc has it since 1.2. */
function withCapabilities({ capabilities = {} }: Process, added: readonly string[]): Pick<Process, 'capabilities'> {
  if (added.length === 0) return {};
  const more = (set: readonly string[] | undefined) => [...new Set([...(set ?? []), ...added])];
  const { bounding, effective, permitted } = capabilities;
  return { capabilities: { ...capabilities, bounding: more(bounding), effective: more(effective), permitted: more(permitted) } };
}

function requireProcess({ process }: Spec): Process {
  if (process === undefined) throw new RuntimeError('process property must not be empty');
  return process;
}
