/** Plans in words. */
import test from 'ava';
import { difference } from '../../src/cli/difference.js';
import { explainPlan, type ExplainedStep } from '../../src/plan/explain.js';
import { PlanBuilder, type Plan } from '../../src/plan/plan.js';
import type { Step } from '../../src/plan/wire.generated.js';
import { compile, type Setting } from './support.js';

const settings: readonly Setting[] = [
  {},
  { options: { terminal: true, log: true } },
  { options: { survive: true, stdin: 'pipe' } },
  { options: { root: 'writable', namespaces: { user: 'host', ipc: { path: '/proc/1/ns/ipc' }, uts: { fd: 3 } } } },
  { options: { mounts: [{ type: 'bind', source: '/srv', destination: '/srv' }, { type: 'bind', source: '/opt', destination: '/opt', options: ['shared'] }] } },
];

function explain(setting: Setting = {}): ExplainedStep[] {
  return explainPlan(compile(setting).plan);
}

function argumentsOf(step: Step, setUp: (builder: PlanBuilder) => void = () => undefined): Readonly<Record<string, string>> {
  const builder = new PlanBuilder();
  setUp(builder);
  builder.add('default', step);
  return explainPlan(builder.finish()).at(-1)?.arguments ?? {};
}

function find(steps: readonly ExplainedStep[], name: Step['op'], field?: string): Readonly<Record<string, string>> | undefined {
  return steps.find(({ step, field: from }) => step === name && (field === undefined || from === field))?.arguments;
}

test('every step has a number, a place, a cause and a sentence; every descriptor a name', (t) => {
  for (const setting of settings) {
    for (const [index, step] of explain(setting).entries()) {
      t.is(step.index, index + 1);
      t.not(step.field, '');
      t.regex(step.doc, /^[A-Z].*\.$/);
      for (const [name, value] of Object.entries(step.arguments)) {
        t.not(value, '', `${step.step}.${name}`);
        t.notRegex(value, /descriptor \d|undefined|\[object/, `${step.step}.${name}`);
      }
    }
  }
});

test('the launcher works up to the clone, the container after it', (t) => {
  const steps = explain();
  const clone = steps.findIndex(({ step }) => step === 'clone');
  t.deepEqual([...new Set(steps.slice(0, clone + 1).map(({ where }) => where))], ['launcher']);
  t.deepEqual([...new Set(steps.slice(clone + 1).map(({ where }) => where))], ['container']);
});

test('numbers are told in words', (t) => {
  const steps = explain({ options: { ulimits: { stack: { soft: 10, hard: -1 } }, namespaces: { pid: 'host' } } });
  t.is(find(steps, 'clone')?.['new'], 'mount, cgroup, uts, ipc, user, network');
  t.is(find(steps, 'clone')?.['uid_map'], '0 524288 65536');
  t.deepEqual(find(steps, 'setUmask'), { mask: '0022' });
  t.deepEqual(find(steps, 'setMount'), { mount: 'image', set: 'nodev', propagation: 'private', idMap: 'idmap' });
  t.like(find(steps, 'makeNode'), { mount: 'tmpfs(/dev)', name: 'null', mode: 'character device 0666' });
  t.deepEqual(find(steps, 'loadSeccomp'), { filter: '8 bytes' });
  t.deepEqual(find(steps, 'restrictScopes'), { scopes: 'abstract sockets, signals' });
  t.like(find(steps, 'setCapabilities'), { inheritable: 'none', ambient: 'none' });
  t.is(find(steps, 'recordState')?.['record'], '2 bytes');
  t.deepEqual(find(steps, 'setRlimit', '/process/rlimits/2'), { resource: 'stack', soft: '10', hard: 'unlimited' });
  t.is(find(steps, 'writeFile', 'extensions.files./etc/hostname')?.['content'], '"run-1234\\n"');
  t.is(find(explain({ options: { privileged: true } }), 'dropBounding')?.['keep'], 'all');
});

test('what is empty, off or not used is left out', (t) => {
  t.deepEqual(argumentsOf({ op: 'setIds', uid: 0, gid: 0, setGroups: false, groups: [] }), { uid: '0', gid: '0' });
  t.deepEqual(argumentsOf({ op: 'setIds', uid: 0, gid: 0, setGroups: true, groups: [] }), { uid: '0', gid: '0', groups: 'none' });
  t.deepEqual(argumentsOf({ op: 'attachMount', mount: null, target: '/x', follow: false, onLink: false }), { target: '/x' });
  t.deepEqual(argumentsOf({ op: 'setStdio', stdin: null, stdout: null, stderr: null }), { stdin: '/dev/null', stdout: '/dev/null', stderr: '/dev/null' });
});

test('flags that no word is known for are shown as numbers', (t) => {
  t.is(argumentsOf({ op: 'remount', target: '/', set: 0x8000_0001n, clear: 0x70n })['set'], 'readonly, 0x80000000');
  t.is(argumentsOf({ op: 'remount', target: '/', set: 0n, clear: 0x70n })['clear'], 'atime');
  t.is(argumentsOf({ op: 'setPropagation', target: '/', propagation: 12, recursive: false })['propagation'], '0xc');
});

test('content that is long or not text is told by its size', (t) => {
  const content = (bytes: Uint8Array) => argumentsOf({ op: 'writeFile', path: '/x', mode: 0o644, content: bytes })['content'];
  t.is(content(Buffer.from('short\n')), '"short\\n"');
  t.is(content(Buffer.alloc(1000, 'x')), '1000 bytes');
  t.is(content(Uint8Array.of(0xff, 0xfe)), '2 bytes');
  t.is(content(Uint8Array.of(0x1b, 0x5b)), '2 bytes');
});

test('descriptors of one kind are told apart', (t) => {
  const builder = new PlanBuilder();
  const slots = [builder.slot(), builder.slot()];
  for (const into of slots) builder.add('/mounts/0/source', { op: 'openTree', path: '/srv', recursive: false, follow: true, into });
  for (const mount of slots) builder.add('/mounts/0', { op: 'attachMount', mount, target: '/a', follow: false, onLink: false });
  const plan: Plan = builder.finish();
  t.deepEqual(explainPlan(plan).map(({ arguments: words }) => words['as'] ?? words['mount']), ['tree(/srv)', 'tree(/srv).2', 'tree(/srv)', 'tree(/srv).2']);
});

// Of a tmpfs without a size nobody knows how much will lie in it.
test('a step more changes no other step, but whether mounts are kept', (t) => {
  const key = ({ step, arguments: words }: ExplainedStep) => JSON.stringify([step, words]);
  const changes = difference(explain(), explain({ options: { mounts: [{ type: 'tmpfs', destination: '/t' }], timeOffsets: { boottime: 5 } } }), key);
  t.deepEqual(changes.map(({ sign, item }) => `${sign}${item.step}`), ['-keepMounts', '-clone', '+clone', '+makeMount']);
});
