/** What a profile says about one call, worked out from its rules as they stand; knows nothing of layers or of BPF. */
import type { Seccomp, SeccompArg, SeccompSyscall } from '../../src/spec/types.js';

/** `ALLOW`, `ERRNO 38` … as `verdictName` says it. */
export function expectedVerdict(profile: Seccomp, name: string | undefined, args: readonly bigint[]): string {
  const rules = (profile.syscalls ?? []).filter((rule) => name !== undefined && rule.names.includes(name));
  const filtered = rules.find((rule) => hasArgs(rule) && matches(rule, args));
  const always = rules.find((rule) => !hasArgs(rule));
  const rule = filtered ?? always;
  return rule === undefined
    ? verdict(profile.defaultAction, profile.defaultErrnoRet)
    : verdict(rule.action, rule.errnoRet);
}

function hasArgs(rule: SeccompSyscall): boolean {
  return rule.args !== undefined && rule.args.length > 0;
}

function verdict(action: string, errno: number | undefined): string {
  const name = action.replace('SCMP_ACT_', '');
  if (name === 'ERRNO') return `ERRNO ${errno ?? 1}`;
  if (name === 'TRACE') return `TRACE ${errno ?? 1}`;
  return name === 'KILL' ? 'KILL_THREAD' : name;
}

/** All conditions; any of them where two look at the same argument. */
function matches(rule: SeccompSyscall, args: readonly bigint[]): boolean {
  const conditions = rule.args ?? [];
  const indices = conditions.map((condition) => condition.index);
  const repeated = indices.some((index, place) => indices.indexOf(index) !== place);
  const results = conditions.map((condition) => compares(condition, args[condition.index] ?? 0n));
  return repeated ? results.includes(true) : !results.includes(false);
}

function compares(condition: SeccompArg, arg: bigint): boolean {
  const value = BigInt(condition.value);
  switch (condition.op) {
    case 'SCMP_CMP_NE':
      return arg !== value;
    case 'SCMP_CMP_LT':
      return arg < value;
    case 'SCMP_CMP_LE':
      return arg <= value;
    case 'SCMP_CMP_EQ':
      return arg === value;
    case 'SCMP_CMP_GE':
      return arg >= value;
    case 'SCMP_CMP_GT':
      return arg > value;
    case 'SCMP_CMP_MASKED_EQ':
      return (arg & value) === BigInt(condition.valueTwo ?? 0);
  }
}

/** Arguments worth trying for a call: around every value that one of its rules looks at, and with bits beyond 32. */
export function tellingArguments(profile: Seccomp, name: string | undefined): bigint[][] {
  const highBits = [0n, 1n << 32n, 0xffff_ffffn << 32n];
  const conditions = (profile.syscalls ?? [])
    .filter((rule) => name !== undefined && rule.names.includes(name))
    .flatMap((rule) => rule.args ?? []);
  const patterns = [0n, 1n, 0xffff_ffffn, (1n << 64n) - 1n].map((value) => Array<bigint>(6).fill(value));
  for (const condition of conditions) {
    for (const near of around(condition)) {
      for (const high of highBits) {
        for (const base of patterns.slice(0, 4)) {
          patterns.push(base.with(condition.index, BigInt.asUintN(64, near | high)));
        }
      }
    }
  }
  return patterns;
}

function around(condition: SeccompArg): bigint[] {
  return [condition.value, condition.valueTwo ?? 0].map(BigInt).flatMap((value) => [value - 1n, value, value + 1n]);
}
