/** The program that holds device rules, in a machine that knows nothing of the compiler, against the rules read naively. */
import test from 'ava';
import fc from 'fast-check';
import { deviceProgram } from '../../src/cgroup/device-program.js';
import { accessTo, allowsEverything, devicePolicy } from '../../src/cgroup/device-rules.js';
import type { DeviceRule } from '../../src/spec/types.js';
import { BadDeviceProgram, runDeviceProgram, type DeviceRequest } from '../support/ebpf.js';

function allows(rules: readonly DeviceRule[], request: DeviceRequest): boolean {
  return runDeviceProgram(deviceProgram(devicePolicy(rules)), request);
}

/** `c 1:3 rw`. */
function request(text: string): DeviceRequest {
  const [, type, major, minor, access = ''] = /^([bc]) (\d+):(\d+) ?(\w*)$/.exec(text) ?? [];
  return { type: type === 'b' ? 'b' : 'c', major: Number(major), minor: Number(minor), access };
}

const denyAll: DeviceRule = { allow: false, access: 'rwm' };
const allowAll: DeviceRule = { allow: true, access: 'rwm' };

interface Case {
  readonly rules: readonly DeviceRule[];
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}

const own = ['c 1:3', 'c 1:5', 'c 1:7', 'c 1:8', 'c 1:9', 'c 5:0', 'c 5:1', 'c 5:2', 'c 136:0', 'c 136:1048575'];
const foreign = ['c 1:1', 'c 1:4', 'c 1:11', 'c 10:229', 'b 1:3', 'b 8:0', 'b 136:0', 'c 135:0', 'c 137:0', 'c 4095:1048575'];

const cases: Readonly<Record<string, Case>> = {
  'no rule: what every container has, and never mknod': {
    rules: [],
    allowed: own.flatMap((name) => [`${name} r`, `${name} w`, `${name} rw`]),
    denied: [...own.flatMap((name) => [`${name} m`, `${name} rm`]), ...foreign.flatMap((name) => [`${name} r`, `${name} w`, `${name} m`])],
  },
  'all denied is the same': { rules: [denyAll], allowed: own.map((name) => `${name} rw`), denied: foreign.map((name) => `${name} r`) },
  'all allowed': { rules: [allowAll], allowed: [...own, ...foreign].map((name) => `${name} rwm`), denied: [] },
  'a device with its letters, each alone and together': {
    rules: [denyAll, { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }],
    allowed: ['c 10:229 r', 'c 10:229 w', 'c 10:229 rw'],
    denied: ['c 10:229 m', 'c 10:229 rwm', 'c 10:228 r', 'b 10:229 r'],
  },
  'letters of two rules add up': {
    rules: [{ allow: true, type: 'b', major: 8, minor: 0, access: 'r' }, { allow: true, type: 'b', major: 8, access: 'w' }],
    allowed: ['b 8:0 rw', 'b 8:1 w'],
    denied: ['b 8:1 r', 'b 8:0 m'],
  },
  'a later denial takes letters away': {
    rules: [allowAll, { allow: false, type: 'b', access: 'w' }, { allow: false, type: 'c', major: 10, access: 'rwm' }, { allow: true, type: 'c', major: 10, minor: 200, access: 'rw' }],
    allowed: ['b 8:0 rm', 'c 10:200 rw', 'c 11:0 rwm'],
    denied: ['b 8:0 w', 'b 8:0 rw', 'c 10:200 m', 'c 10:229 r'],
  },
  'what comes before a rule for all is void': {
    rules: [{ allow: true, type: 'c', major: 10, minor: 229, access: 'rwm' }, denyAll],
    allowed: ['c 1:3 rw'],
    denied: ['c 10:229 r'],
  },
  'type a with a number is both types': { rules: [{ allow: true, type: 'a', major: 9, access: 'r' }], allowed: ['b 9:1 r', 'c 9:1 r'], denied: ['b 9:1 w', 'c 8:1 r'] },
  '-1 is every number, and no letters are all': { rules: [{ allow: true, type: 'c', major: -1, minor: -1 }], allowed: ['c 77:7 rwm'], denied: ['b 77:7 r'] },
  'an own device that a rule names is what the rule says': {
    rules: [denyAll, { allow: true, type: 'c', major: 1, minor: 3, access: 'r' }, { allow: true, type: 'c', major: 136, access: 'r' }],
    allowed: ['c 1:3 r', 'c 1:5 rw', 'c 136:6 r'],
    denied: ['c 1:3 w', 'c 136:6 w'],
  },
  'an own device that a rule only covers stays as it is': {
    rules: [allowAll, { allow: false, type: 'c', major: 1, access: 'rwm' }, { allow: false, type: 'c', major: 136, minor: 5 }],
    allowed: ['c 1:3 rw', 'c 136:5 rw', 'c 2:0 rwm'],
    denied: ['c 1:3 m', 'c 1:1 r'],
  },
};

for (const [name, { rules, allowed, denied }] of Object.entries(cases)) {
  test(name, (t) => {
    t.deepEqual(allowed.filter((each) => !allows(rules, request(each))), []);
    t.deepEqual(denied.filter((each) => allows(rules, request(each))), []);
  });
}

test('whether a node is there may be asked of every device', (t) => {
  for (const rules of [[], [denyAll], [allowAll], [allowAll, { allow: false, type: 'c', access: 'rwm' } as const]]) t.true(allows(rules, request('c 10:229')));
});

const number = fc.constantFrom(undefined, -1, 0, 1, 3, 5, 136, 4095);
const letters = fc.constantFrom('r', 'w', 'm', 'rw', 'wr', 'rm', 'wm', 'rwm');
const anyRule: fc.Arbitrary<DeviceRule> = fc
  .record({ allow: fc.boolean(), type: fc.constantFrom(undefined, 'a', 'b', 'c'), major: number, minor: number, access: fc.option(letters, { nil: undefined }) })
  .map(({ allow, type, major, minor, access }) => ({
    allow,
    ...(type !== undefined && { type }),
    ...(major !== undefined && { major }),
    ...(minor !== undefined && { minor }),
    ...(access !== undefined && { access }),
  }));
const anyRequest = fc.record({ type: fc.constantFrom('b', 'c'), major: fc.constantFrom(0, 1, 3, 5, 7, 136, 4095), minor: fc.constantFrom(0, 1, 2, 3, 5, 1_048_575), access: letters });

const ownNumbers: readonly (readonly [number, number])[] = [[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 1], [5, 2]];

/** Letter by letter, rule by rule, as one would read them aloud. */
function naively(rules: readonly DeviceRule[], { type, major, minor, access }: DeviceRequest): boolean {
  const any = (value: number | undefined) => value === undefined || value === -1;
  const isForAll = (rule: DeviceRule) => (rule.type ?? 'a') === 'a' && any(rule.major) && any(rule.minor) && ['r', 'w', 'm'].every((letter) => (rule.access ?? 'rwm').includes(letter));
  const last = rules.findLastIndex(isForAll);
  const since = rules.slice(last + 1);
  const ownDevice = type === 'c' && (major === 136 || ownNumbers.some(([one, other]) => one === major && other === minor));
  const named = since.some((rule) => rule.type !== 'b' && rule.major === major && (major === 136 ? any(rule.minor) : rule.minor === minor));
  return access.split('').every((letter) => {
    if (ownDevice && !named && letter !== 'm') return true;
    const speaks = (rule: DeviceRule) =>
      ((rule.type ?? 'a') === 'a' || rule.type === type) && (any(rule.major) || rule.major === major) && (any(rule.minor) || rule.minor === minor) && (rule.access ?? 'rwm').includes(letter);
    return since.findLast(speaks)?.allow ?? rules[last]?.allow ?? false;
  });
}

test('any rules: the program, the policy and a naive reader agree', (t) => {
  const agree = fc.property(fc.array(anyRule, { maxLength: 8 }), fc.array(anyRequest, { minLength: 1, maxLength: 20 }), (rules, requests) => {
    const policy = devicePolicy(rules);
    const program = deviceProgram(policy);
    for (const each of requests) {
      const expected = naively(rules, each);
      const bits = (['m', 'r', 'w'] as const).reduce((sum, letter, bit) => (each.access.includes(letter) ? sum | (1 << bit) : sum), 0);
      if (runDeviceProgram(program, each) !== expected || ((accessTo(policy, each) & bits) === bits) !== expected) return false;
      if (allowsEverything(policy) && !expected) return false;
    }
    return true;
  });
  t.notThrows(() => {
    fc.assert(agree, { numRuns: 3000 });
  });
});

test('the machine refuses what the kernel would', (t) => {
  const bytes = (...instructions: readonly number[][]) => Uint8Array.from(instructions.flat());
  const exit = [0x95, 0, 0, 0, 0, 0, 0, 0];
  const one = [0xb7, 0, 0, 0, 1, 0, 0, 0];
  const bad: Readonly<Record<string, Uint8Array>> = {
    empty: bytes(),
    'half an instruction': bytes(one, exit.slice(4)),
    'no result': bytes(exit),
    'off the end': bytes(one),
    unreachable: bytes(one, exit, one, exit),
    backwards: bytes(one, [0x05, 0, 0xfe, 0xff, 0, 0, 0, 0], exit),
    'out of range': bytes(one, [0x05, 0, 1, 0, 0, 0, 0, 0], exit),
    'another instruction': bytes([0x85, 0, 0, 0, 6, 0, 0, 0], exit),
    'a load from the stack': bytes([0x61, 0xa0, 0, 0, 0, 0, 0, 0], exit),
  };
  t.true(runDeviceProgram(bytes(one, exit), request('c 1:3 r')));
  for (const [name, program] of Object.entries(bad)) t.throws(() => runDeviceProgram(program, request('c 1:3 r')), { instanceOf: BadDeviceProgram }, name);
});
