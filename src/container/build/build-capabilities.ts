/** Which capabilities the program and whatever it becomes may have. */

import type { HostFacts } from '../../host/facts.js';
import { capabilityNames, capabilityNumber, readCapability } from '../../spec/capabilities.js';
import { defaultCapabilities } from '../../spec/defaults.js';
import { TsrunError } from '../../spec/errors.js';
import type { Faults } from '../../spec/faults.js';
import { show } from '../../spec/quote.js';
import type { Capabilities } from '../../spec/types.js';
import type { RunOptions } from '../options/options.js';

export interface CapabilityInput {
  readonly options: RunOptions;
  /** Of a bundle; absent for the default profile. */
  readonly base: Capabilities | undefined;
  readonly isBundle: boolean;
  /** The host's own user namespace: nothing can be given there that the caller does not hold. */
  readonly sharesUsers: boolean;
  readonly uid: number;
  readonly host: HostFacts;
}

/** Undefined where a bundle says nothing and nothing was asked for. */
export function buildCapabilities(input: CapabilityInput, faults: Faults): Capabilities | undefined {
  const { options, base, isBundle, uid } = input;
  const all = availableCapabilities(input);
  const change = readChange(options, faults);
  checkAvailable(change.add, all, input);
  if (isBundle && options.privileged !== true) {
    return change.add.length + change.drop.size > 0 || change.addAll || change.dropAll ? changeSets(base ?? {}, change, all) : base;
  }
  const start = options.privileged === true ? all : defaultCapabilities.filter((name) => all.includes(name));
  const bounding = inOrder(tweak(start, change, all));
  // Inheritable and ambient stay empty (CVE-2022-24769). What execve takes from other users is not given to them first.
  const held = uid === 0 ? bounding : [];
  return { bounding, effective: held, permitted: held, inheritable: [], ambient: [] };
}

/** A new user namespace gives its first process every capability that the kernel knows (user_namespaces(7)). */
export function availableCapabilities({ sharesUsers, host }: Pick<CapabilityInput, 'sharesUsers' | 'host'>): readonly string[] {
  const known = capabilityNames.slice(0, host.lastCapability + 1);
  return sharesUsers ? known.filter((name) => host.capabilities.includes(name)) : known;
}

interface Change {
  readonly add: readonly string[];
  readonly drop: ReadonlySet<string>;
  readonly addAll: boolean;
  readonly dropAll: boolean;
}

function readChange({ capAdd = [], capDrop = [] }: RunOptions, faults: Faults): Change {
  const add = names(capAdd);
  const drop = new Set(names(capDrop));
  const [addAll, dropAll] = [hasAll(capAdd), hasAll(capDrop)];
  const twice = add.find((name) => drop.has(name));
  if (twice !== undefined) faults.add('/capAdd', `${twice} is both added and dropped`, 'leave one of the two out');
  if (addAll && dropAll) faults.add('/capAdd', 'ALL is both added and dropped', 'drop ALL and add single ones, or add ALL and drop single ones');
  return { add, drop, addAll, dropAll };
}

function names(words: readonly string[]): string[] {
  return words.flatMap((word) => readCapability(word) ?? []);
}

function hasAll(words: readonly string[]): boolean {
  return words.some((word) => word.toUpperCase() === 'ALL');
}

function checkAvailable(add: readonly string[], all: readonly string[], { sharesUsers, options }: CapabilityInput): void {
  const missing = add.find((name) => !all.includes(name));
  if (missing === undefined) return;
  const field = `/capAdd/${(options.capAdd ?? []).findIndex((word) => readCapability(word) === missing)}`;
  throw new TsrunError('ERR_TSRUN_HOST', `${show(missing)} cannot be given: ${sharesUsers ? 'the caller does not hold it' : 'this kernel does not know it'}`, {
    field,
    hint: sharesUsers ? 'in a user namespace of its own the container can have it: drop --userns host' : 'leave it out',
  });
}

/** Docker's order: ALL first, then single names over it. */
function tweak(start: readonly string[], { add, drop, addAll, dropAll }: Change, all: readonly string[]): string[] {
  const base = addAll ? all : dropAll ? [] : start;
  return [...new Set([...base.filter((name) => !drop.has(name)), ...add])];
}

/** A bundle's own sets: what is added goes where execve would find it, what is dropped goes everywhere. */
function changeSets(base: Capabilities, change: Change, all: readonly string[]): Capabilities {
  const grown = (set: readonly string[] = []) => inOrder(tweak(set, change, all));
  const shrunk = (set: readonly string[] = []) => inOrder(change.dropAll ? [] : set.filter((name) => !change.drop.has(name)));
  return {
    bounding: grown(base.bounding),
    effective: grown(base.effective),
    permitted: grown(base.permitted),
    inheritable: shrunk(base.inheritable),
    ambient: shrunk(base.ambient),
  };
}

function inOrder(set: readonly string[]): string[] {
  return set.toSorted((a, b) => (capabilityNumber(a) ?? 0) - (capabilityNumber(b) ?? 0));
}
