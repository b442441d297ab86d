/** Plans as bytes: whatever is encoded is read back as it was, by a decoder that knows nothing but protocol.json. */
import test from 'ava';
import fc from 'fast-check';
import { encodePlan, type Plan } from '../../src/plan/plan.js';
import { stepDocs, launcherOps, type Step } from '../../src/plan/wire.generated.js';
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

test('compiled plans are read back as they were compiled', (t) => {
  for (const options of [{}, { privileged: true }, { terminal: true }, { mounts: [{ type: 'bind', source: '/ü', destination: '/ü' } as const] }]) {
    const { plan } = compile({ options });
    const decoded = decodePlan(encodePlan(plan));
    t.is(decoded.slotCount, plan.slotCount);
    t.deepEqual(decoded.steps, plan.steps.map(({ step }) => asDecoded(step)));
  }
});

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
