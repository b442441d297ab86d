/** tsrun's own program in the tree of a container: over the upper layer that one has left, and apart from one that lives. */
import test from 'ava';
import { compileExec } from '../../src/plan/compile-exec.js';
import { compilePlan } from '../../src/plan/compile.js';
import type { ProgramPlan } from '../../src/plan/input.js';
import type { Plan } from '../../src/plan/plan.js';
import type { Extensions } from '../../src/spec/extensions.js';
import type { Spec } from '../../src/spec/types.js';
import { host } from './support.js';

const maps = [{ containerID: 0, hostID: 524_288, size: 65_536 }];
const spec: Spec = {
  ociVersion: '1.2.0',
  root: { path: '/layers/0/diff' },
  process: { user: { uid: 0, gid: 0 }, args: ['tsrun-archive'], cwd: '/' },
  linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'user' }], uidMappings: maps, gidMappings: maps },
};
const lowerLayers = Array.from({ length: 12 }, (_, index) => `/layers/${index + 1}/diff`);
const extensions: Extensions = { root: { kind: 'disposable', sizeBytes: 0 }, lowerLayers };
const streams = { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' } as const;

function planned(program: ProgramPlan): Plan {
  return compilePlan({ spec, extensions, host, rootPath: '/layers/0/diff', program, ...streams });
}

const opsOf = ({ steps }: Plan) => steps.map(({ step }) => step.op);

test('the upper layer that is there is opened again: nothing is made in it, its quota holds, and it is let go of with the end', (t) => {
  const plan = planned({ layers: [], upper: '/uppers/one' });
  const ops = opsOf(plan);
  for (const op of ['makeUpper', 'makeTmpfs', 'makeFolder', 'keepMount'] as const) t.false(ops.includes(op), op);
  const opened = plan.steps.findIndex(({ step }) => step.op === 'openTree' && step.path === '/uppers/one');
  const [open, set] = [plan.steps[opened]?.step, plan.steps[opened + 1]?.step];
  t.like(set, { op: 'setMount', idMap: null, recursive: false });
  const overlay = plan.steps.find(({ step }) => step.op === 'makeOverlay')?.step;
  t.like(overlay, { scratch: open?.op === 'openTree' ? open.into : -1, dropResource: true });
});

test('control: without it there is a new one in memory', (t) => {
  const plan = planned({ layers: [] });
  t.true(opsOf(plan).includes('makeTmpfs'));
  t.true(opsOf(plan).includes('keepMount'));
  t.like(plan.steps.find(({ step }) => step.op === 'makeOverlay')?.step, { dropResource: false });
});

function executed(uid: number, program?: ProgramPlan): Plan {
  const process = { user: { uid: 0, gid: 0 }, args: ['tsrun-archive'], cwd: '/' };
  const common = { containerId: 'web', spec, extensions, process, hasCgroup: true, privileged: false, survive: false, drainTerminal: false, ...streams };
  return compileExec({ ...common, host: { ...host, uid }, ...(program !== undefined && { program }) });
}

test('in a live container it has pids of its own, is born outside of the cgroup, and needs nobody to be born by', (t) => {
  for (const uid of [0, 1000]) {
    const plan = executed(uid, { layers: [] });
    t.like(plan.steps.find(({ step }) => step.op === 'clone')?.step, { flags: 0x2000_0000, cgroup: null, joins: [], joinKinds: [], midwife: false });
    t.true(opsOf(plan).includes('joinNamespaces'));
  }
});

test('control: any other program is one of the container\'s', (t) => {
  const { steps } = executed(1000);
  const clone = steps.find(({ step }) => step.op === 'clone')?.step;
  t.like(clone, { flags: 0, joinKinds: [0x2000_0000], midwife: true });
  t.true(clone?.op === 'clone' && clone.cgroup !== null && clone.joins.length === 1);
});
