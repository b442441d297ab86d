/**
 * From a runtime-spec profile to filters that libseccomp cannot misread.
 *
 * The spec does not say how several rules for one call combine. libseccomp lets a rule without arguments delete those
 * with arguments, refuses a rule whose action is the default one (so runtimes skip it), and orders conditions by its own
 * lights. tsrun has one rule: **those with arguments first, in the order of the list; then the first without; then the
 * default**. To have exactly that from libseccomp, no call has two actions in one filter: where a profile gives it more,
 * it is cut into layers, each a filter that ends in "continue with the next", and the addon chains their programs.
 * (So "allow with this argument" beside "deny" means "deny otherwise", where runc and crun deny always.)
 */
import { maxErrno } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';
import { recentSyscalls } from '../spec/seccomp-numbers.js';
import type { Seccomp, SeccompAction, SeccompArg, SeccompSyscall } from '../spec/types.js';

/** The return value after the last errno, which no profile can ask for. The addon turns it into a jump to the next layer. */
const continueAction = 0x0005_0000 + maxErrno + 1;

/** seccomp(2): what a filter returns; the low 16 bits are the errno, or the number that a tracer sees. */
const actionBits: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_NOTIFY: 0x7fc0_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
};

/** Actions that may let the call happen. */
const permits: ReadonlySet<SeccompAction> = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE', 'SCMP_ACT_NOTIFY']);

const eperm = 1;

export interface LayerRule {
  readonly name: string;
  /** -1: libseccomp knows the number. */
  readonly number: number;
  readonly action: number;
  /** All must hold; empty = always. No two look at the same argument. */
  readonly conditions: readonly SeccompArg[];
  /** A name that libseccomp does not know is an error: skipping it would let the call through. */
  readonly required: boolean;
}

export interface Layer {
  readonly defaultAction: number;
  /** What calls of an architecture that is not in the layer get. */
  readonly otherArchAction: number;
  /** Only the native architecture, not the profile's others. */
  readonly nativeOnly: boolean;
  readonly rules: readonly LayerRule[];
}

/** The layers of a profile, in the order in which they are asked; the last one gives the profile's default. */
export function seccompLayers(seccomp: Seccomp, arch: 'x64' | 'arm64'): Layer[] {
  const defaultAction = actionOf(seccomp.defaultAction, seccomp.defaultErrnoRet, '/linux/seccomp/defaultErrnoRet');
  const rules: LayerRule[] = [];
  for (const [index, rule] of (seccomp.syscalls ?? []).entries()) rules.push(...expand(rule, index, seccomp.defaultAction, arch));
  const last = { defaultAction, otherArchAction: actionBits.SCMP_ACT_KILL_PROCESS, nativeOnly: false };
  const native = arch === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64';
  if ((seccomp.architectures ?? []).every((name) => name === native)) return cut(rules, last);

  // libseccomp translates numbers through its own names, so one that it has no name for makes it fail as soon as a
  // second architecture is in the filter: those calls get layers without one.
  const recent = rules.filter((rule) => rule.number >= 0);
  const others = rules.filter((rule) => rule.number < 0);
  const before = { defaultAction: continueAction, otherArchAction: continueAction, nativeOnly: true };
  return [...(recent.length === 0 ? [] : cut(recent, before)), ...cut(others, last)];
}

function actionOf(action: SeccompAction, errnoRet: number | undefined, field: string): number {
  if (action === 'SCMP_ACT_ERRNO' && (errnoRet ?? eperm) <= maxErrno) return actionBits[action] + (errnoRet ?? eperm);
  if (action === 'SCMP_ACT_TRACE') return actionBits[action] + (errnoRet ?? eperm);
  if (errnoRet === undefined) return actionBits[action];
  throw new TsrunError('ERR_TSRUN_INVALID_SPEC', `${action} cannot carry errno ${errnoRet}`, {
    field,
    hint: `errnoRet goes with SCMP_ACT_ERRNO, up to ${maxErrno}, and with SCMP_ACT_TRACE`,
  });
}

function expand(rule: SeccompSyscall, index: number, defaultAction: SeccompAction, arch: 'x64' | 'arm64'): LayerRule[] {
  const field = `/linux/seccomp/syscalls/${index}`;
  const action = actionOf(rule.action, rule.errnoRet, `${field}/errnoRet`);
  const required = isRequired(rule, defaultAction);
  const alternatives = conditionSets(rule, `${field}/args`);
  const rules: LayerRule[] = [];
  for (const name of rule.names) {
    const number = recentSyscalls[arch].get(name) ?? -1;
    for (const conditions of alternatives) rules.push({ name, number, action, conditions, required });
  }
  return rules;
}

/** A call that such a rule names and nobody knows would be let through. */
export function isRequired({ action }: SeccompSyscall, defaultAction: SeccompAction): boolean {
  return permits.has(defaultAction) && !permits.has(action);
}

const always: readonly (readonly SeccompArg[])[] = [[]];

/**
 * Conditions hold together; but two of them on one argument have meant "either" since runc's first release, because
 * libseccomp cannot say "both" (runc issue 2735). For a rule that refuses, "either" is the stricter reading and is taken;
 * for one that permits, it is the looser, and nobody can tell what was meant.
 */
function conditionSets(rule: SeccompSyscall, field: string): readonly (readonly SeccompArg[])[] {
  if (rule.args === undefined || rule.args.length === 0) return always;
  const conditions = rule.args.map((condition, index) => checked(condition, `${field}/${index}`));
  const repeated = new Set(conditions.map((condition) => condition.index)).size < conditions.length;
  if (!repeated) return [conditions];
  if (permits.has(rule.action)) {
    throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `several conditions on one argument in a rule with ${rule.action}`, {
      field,
      hint: 'write one rule for each condition if any of them is enough',
    });
  }
  return conditions.map((condition) => [condition]);
}

function checked(condition: SeccompArg, field: string): SeccompArg {
  if (condition.op !== 'SCMP_CMP_MASKED_EQ') return condition;
  // libseccomp would drop the bits outside the mask, and so match what the rule does not.
  const outside = BigInt(condition.valueTwo ?? 0) & ~BigInt(condition.value);
  if (outside === 0n) return condition;
  throw new TsrunError('ERR_TSRUN_INVALID_SPEC', 'a masked comparison that can never hold: valueTwo has bits outside the mask in value', {
    field: `${field}/valueTwo`,
    hint: 'value is the mask, valueTwo what the masked argument must be',
  });
}

type Frame = Omit<Layer, 'rules'>;

/** Rules into as few layers as the call with the most changes of action needs. */
function cut(rules: readonly LayerRule[], last: Frame): Layer[] {
  if (new Set(rules.map(({ name }) => name)).size === rules.length) return [{ ...last, rules: withoutDefault(rules, last) }];
  const byName = new Map<string, LayerRule[]>();
  for (const rule of rules) {
    const found = byName.get(rule.name);
    if (found === undefined) byName.set(rule.name, [rule]);
    else found.push(rule);
  }
  const final: LayerRule[] = [];
  const earlier: LayerRule[][] = [];
  for (const own of byName.values()) {
    const runs = runsOf(own);
    final.push(...withoutDefault(runs.pop() ?? [], last));
    runs.forEach((run, depth) => (earlier[depth] ??= []).push(...run));
  }
  const between = { ...last, defaultAction: continueAction };
  return [...earlier.map((layer) => ({ ...between, rules: layer })), { ...last, rules: final }];
}

/** What does, last, what the default does says nothing, and libseccomp refuses it. */
function withoutDefault(rules: readonly LayerRule[], { defaultAction }: Frame): LayerRule[] {
  return rules.filter(({ action }) => action !== defaultAction);
}

/** The rules of one call in the order in which they are asked, in runs that one filter can hold. */
function runsOf(rules: LayerRule[]): LayerRule[][] {
  if (rules.length === 1) return [rules];
  const conditional = rules.filter((rule) => rule.conditions.length > 0);
  const always = rules.filter((rule) => rule.conditions.length === 0).slice(0, 1);
  const runs: LayerRule[][] = [];
  let before: LayerRule | undefined;
  for (const rule of [...conditional, ...always]) {
    if (before !== undefined && canShare(before, rule)) runs.at(-1)?.push(rule);
    else runs.push([rule]);
    before = rule;
  }
  return runs;
}

/**
 * Only rules that look at one and the same argument, for equality: libseccomp 2.5 loses matches when it merges two of
 * "less than", or rules on several arguments, into one tree (both found by the random profiles of the test). A rule
 * without conditions deletes the others of its filter, which with one action changes nothing.
 */
function canShare(before: LayerRule, next: LayerRule): boolean {
  if (before.action !== next.action) return false;
  if (next.conditions.length === 0) return true;
  const argument = onlyArgument(next);
  return argument !== undefined && argument === onlyArgument(before);
}

/** The argument that a rule of one comparison for equality looks at. */
function onlyArgument(rule: LayerRule): number | undefined {
  const [condition, ...others] = rule.conditions;
  if (condition === undefined || others.length > 0) return undefined;
  return condition.op === 'SCMP_CMP_EQ' || condition.op === 'SCMP_CMP_MASKED_EQ' ? condition.index : undefined;
}
