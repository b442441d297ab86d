/** Plans as bytes: whatever is encoded is read back as it was, by a decoder that knows nothing but protocol.json. */
import test from 'ava';
import fc from 'fast-check';
import type { RunOptions } from '../../src/container/options/options.js';
import { encodePlan, type Plan } from '../../src/plan/plan.js';
import { stepDocs, launcherOps, type Step } from '../../src/plan/wire.generated.js';
import { TsrunError } from '../../src/spec/errors.js';
import { asDecoded, decodePlan, stepLayouts, type FieldType, type Layout } from '../support/plan-decoder.js';
import { compile } from './support.js';

/** NUL and lone surrogates never get into a plan: the spec's checks refuse them. */
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => value.replaceAll('\0', ''));
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const slot = fc.option(fc.integer({ min: 0, max: 0xffff_fffe }), { nil: null });

const arbitraries: Readonly<Record<FieldType, fc.Arbitrary<unknown>>> = {
  u32,
  i32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  bool: fc.boolean(),
  slot,
  u64: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat()),
  text,
  bytes: fc.uint8Array({ maxLength: 70 }),
  texts: fc.array(text, { maxLength: 5 }),
  slots: fc.array(fc.integer({ min: 0, max: 0xffff_fffe }), { maxLength: 5 }),
  u32s: fc.array(u32, { maxLength: 5 }),
};

function isStep(value: object): value is Step {
  return 'op' in value && typeof value.op === 'string' && value.op in stepDocs;
}

function stepOf({ op, fields }: Layout): fc.Arbitrary<Step> {
  const members = Object.fromEntries(fields.map(([name, type]) => [name, arbitraries[type]]));
  return fc.record(members).map((values) => {
    const step = { op, ...values };
    if (!isStep(step)) throw new Error(`${op} is no step`);
    return step;
  });
}

function planOf(steps: readonly Step[], slotCount = 0): Plan {
  return { steps: steps.map((step) => ({ step, field: 'default' })), passed: [], slotCount, handedOver: [] };
}

for (const layout of stepLayouts()) {
  test(`${layout.op} is read back as it was written`, (t) => {
    fc.assert(fc.property(stepOf(layout), (step) => {
      t.deepEqual(decodePlan(encodePlan(planOf([step]))).steps, [asDecoded(step)]);
    }), { numRuns: 30 });
  });
}

test('a plan of any steps is read back as it was written', (t) => {
  const step = fc.oneof(...stepLayouts().map(stepOf));
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), u32, (steps, slotCount) => {
    const decoded = decodePlan(encodePlan(planOf(steps, slotCount)));
    t.is(decoded.slotCount, slotCount);
    t.deepEqual(decoded.steps, steps.map(asDecoded));
  }), { numRuns: 100 });
});

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,11}$/);
const path = fc.array(word, { minLength: 1, maxLength: 4 }).map((names) => `/srv/${names.join('/')}`);
const mount = fc.oneof(
  path.map((destination) => ({ type: 'tmpfs', destination }) as const),
  fc.tuple(path, path).map(([source, destination]) => ({ type: 'bind', source, destination }) as const),
);
const bytes = fc.integer({ min: 2 ** 20, max: 2 ** 40 });

/** What a caller may say, all of it or nothing; some of it excludes other. */
const runOptions: fc.Arbitrary<RunOptions> = fc.record({
  command: fc.array(text, { maxLength: 4 }).map((rest) => ['/bin/app', ...rest]),
  env: fc.dictionary(word, text, { maxKeys: 6 }),
  hostname: word,
  user: fc.constantFrom('web', 'root:audio', '1000:29', '7'),
  groups: fc.uniqueArray(fc.integer({ min: 0, max: 60_000 }), { maxLength: 4 }),
  umask: fc.integer({ min: 0, max: 0o777 }),
  mounts: fc.uniqueArray(mount, { maxLength: 4, selector: ({ destination }) => destination }),
  memory: bytes,
  pids: fc.integer({ min: 1, max: 2 ** 22 }),
  cpus: fc.integer({ min: 1, max: 8 }).map((quarters) => quarters / 4),
  capAdd: fc.subarray(['CHOWN', 'NET_ADMIN', 'SYS_ADMIN']),
  capDrop: fc.subarray(['KILL', 'MKNOD', 'SETUID']),
  sysctls: fc.constantFrom({}, { 'net.ipv4.ip_forward': '1' }),
  ulimits: fc.constantFrom({}, { nofile: { soft: 64, hard: 4096 } }),
  namespaces: fc.constantFrom({}, { user: 'host' } as const, { pid: 'host', ipc: 'host' } as const, { cgroup: 'host' } as const),
  network: fc.constantFrom<NonNullable<RunOptions['network']>>('none', 'host', { path: '/run/netns/a' }),
  root: fc.constantFrom('disposable', 'writable', 'read-only'),
  timeOffsets: fc.record({ monotonic: fc.integer({ min: -1000, max: 1000 }) }),
  privileged: fc.boolean(),
  terminal: fc.boolean(),
  init: fc.boolean(),
  survive: fc.boolean(),
  timings: fc.boolean(),
}, { requiredKeys: [] });

test('whatever is compiled is read back as it was compiled', (t) => {
  let compiled = 0;
  fc.assert(fc.property(runOptions, (options) => {
    const plan = planUnlessRefused(options);
    if (plan === undefined) return;
    compiled += 1;
    const decoded = decodePlan(encodePlan(plan));
    t.is(decoded.slotCount, plan.slotCount);
    t.deepEqual(decoded.steps, plan.steps.map(({ step }) => asDecoded(step)));
  }), { numRuns: runs });
  t.true(compiled > runs / 2, `only ${compiled} of ${runs} were compiled`);
});

const runs = 200;

/** Undefined for options that exclude each other; anything else that goes wrong is thrown. */
function planUnlessRefused(options: RunOptions): Plan | undefined {
  try {
    return compile({ options }).plan;
  } catch (error) {
    if (TsrunError.is(error) && error.code === 'ERR_TSRUN_INVALID_ARGUMENT') return undefined;
    throw error;
  }
}

test('a plan larger than the first buffer is written whole', (t) => {
  const step = { op: 'writeFile', path: '/big', mode: 0o644, content: new Uint8Array(100_000).fill(7) } as const;
  t.deepEqual(decodePlan(encodePlan(planOf([step, step]))).steps, [asDecoded(step), asDecoded(step)]);
});

test('the launcher\'s steps come before the clone, the child\'s after it', (t) => {
  for (const options of [{}, { survive: true, terminal: true }, { network: { path: '/run/netns/a' } as const }]) {
    const ops = compile({ options }).plan.steps.map(({ step }) => step.op);
    const clone = ops.indexOf('clone');
    t.true(ops.slice(0, clone + 1).every((op) => launcherOps.has(op)));
    t.false(ops.slice(clone + 1).some((op) => launcherOps.has(op)));
    t.is(ops.at(-1), 'execute');
  }
});
