/**
 * `linux.resources.devices` as a policy: the rules of the spec with what every container may use. For each letter of the
 * access the last rule that speaks of it decides, as in cgroup v1; where none does, it is denied (GHSA-g54h-m393-cpwq).
 */
import type { DeviceRule } from '../spec/types.js';

/** BPF_DEVCG_ACC_* of linux/bpf.h. */
export const accessBits = { m: 1, r: 2, w: 4 } as const;
export const wholeAccess = 7;

export interface DeviceId {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
}

export interface PolicyRule {
  readonly allow: boolean;
  readonly type: 'a' | 'b' | 'c';
  /** Absent: all. */
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  /** Of `accessBits`. */
  readonly access: number;
  /** Index in the spec's list; absent for what every container may use. */
  readonly index?: number;
}

export interface DevicePolicy {
  /** What holds where no rule matches. */
  readonly allowOthers: boolean;
  /** Later ones win. */
  readonly rules: readonly PolicyRule[];
}

/** The six nodes, the controlling terminal and console, and the container's own terminals. They are used, never made: no `m`. */
const ownDevices: readonly (readonly [major: number, minor?: number])[] = [[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 1], [5, 2], [136]];

export function devicePolicy(rules: readonly DeviceRule[]): DevicePolicy {
  const read = rules.map(readRule);
  // What comes before a rule for everything has no effect.
  const reset = read.findLastIndex(speaksOfAll);
  const kept = read.slice(reset + 1);
  const own = ownDevices.filter((numbers) => !kept.some((rule) => names(rule, numbers))).map(ownRule);
  return { allowOthers: read[reset]?.allow ?? false, rules: [...kept, ...own] };
}

function readRule({ allow, type = 'a', major = -1, minor = -1, access = 'rwm' }: DeviceRule, index: number): PolicyRule {
  return { allow, type, ...(major >= 0 && { major }), ...(minor >= 0 && { minor }), access: readAccess(access), index };
}

function readAccess(letters: string): number {
  return Object.entries(accessBits).reduce((bits, [letter, bit]) => (letters.includes(letter) ? bits | bit : bits), 0);
}

function speaksOfAll({ type, major, minor, access }: PolicyRule): boolean {
  return type === 'a' && major === undefined && minor === undefined && access === wholeAccess;
}

/** A rule that names one of the container's own devices, or all terminals, replaces what every container may do with it. */
function names({ type, major, minor }: PolicyRule, [ownMajor, ownMinor]: readonly [number, number?]): boolean {
  return type !== 'b' && major === ownMajor && minor === ownMinor;
}

function ownRule([major, minor]: readonly [number, number?]): PolicyRule {
  return { allow: true, type: 'c', major, ...(minor !== undefined && { minor }), access: accessBits.r | accessBits.w };
}

/** Nothing to hold. */
export function allowsEverything({ allowOthers, rules }: DevicePolicy): boolean {
  return allowOthers && rules.every(({ allow }) => allow);
}

/** Bits of the access that the policy gives to one device. */
export function accessTo({ allowOthers, rules }: DevicePolicy, device: DeviceId): number {
  return rules.filter((rule) => matches(rule, device)).reduce(apply, allowOthers ? wholeAccess : 0);
}

function matches({ type, major, minor }: PolicyRule, device: DeviceId): boolean {
  return (type === 'a' || type === device.type) && (major ?? device.major) === device.major && (minor ?? device.minor) === device.minor;
}

function apply(access: number, rule: PolicyRule): number {
  return rule.allow ? access | rule.access : access & ~rule.access;
}

/** `deny all; allow c 1:3 rw, c 136:* rw; deny b *:* w`: in the order in which they are read, so that later ones win. */
export function policyWords({ allowOthers, rules }: DevicePolicy): string {
  const parts = [allowOthers ? 'allow all' : 'deny all'];
  for (const [index, rule] of rules.entries()) {
    if (rules[index - 1]?.allow === rule.allow) parts.push(`, ${ruleWords(rule)}`);
    else parts.push(`; ${rule.allow ? 'allow' : 'deny'} ${ruleWords(rule)}`);
  }
  return parts.join('');
}

export function ruleWords({ type, major, minor, access }: Omit<PolicyRule, 'allow'>): string {
  const letters = (['r', 'w', 'm'] as const).filter((letter) => (access & accessBits[letter]) !== 0);
  return `${type} ${major ?? '*'}:${minor ?? '*'} ${letters.join('')}`;
}
