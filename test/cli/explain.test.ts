/** `tsrun explain` without a container: it needs the addon and an image to read, no right and no launcher. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { optionsToExplain, renderChanges, renderSteps } from '../../src/cli/explain.js';
import { explain, type ExplainedStep } from '../../src/index.js';
import { readObjects } from '../support/json.js';
import { first } from './support.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tsrun-explain-'));
const image = join(folder, 'image');
const stateRoot = join(folder, 'state');

test.before(() => {
  mkdirSync(join(image, 'bin'), { recursive: true });
  writeFileSync(join(image, 'bin/app'), '#!/bin/sh\n');
  for (const path of [folder, image]) chmodSync(path, 0o755);
});

test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

function tsrun(words: readonly string[], options: { readonly uid?: number; readonly env?: Record<string, string> } = {}) {
  const env = { ...process.env, FORCE_COLOR: '0', TSRUN_ROOT: stateRoot, ...options.env };
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'explain', ...words], { encoding: 'utf8', env, ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }) });
  return { status, stdout, stderr };
}

const step = (index: number, name: ExplainedStep['step'], words: Record<string, string> = {}): ExplainedStep => ({
  index, where: 'launcher', step: name, arguments: words, field: 'default', doc: 'Does it.',
});
const plain = (_style: string, text: string) => text;

test('steps are aligned, with what they do it with', (t) => {
  const steps = [step(1, 'makeCgroup', { path: '/a', as: 'cgroup' }), { ...step(2, 'pivotRoot'), where: 'container', field: '/root/path' } as const];
  t.is(renderSteps(steps, plain), [
    '#  WHERE      STEP        FROM        WITH',
    '1  launcher   makeCgroup  default     path=/a  as=cgroup',
    '2  container  pivotRoot   /root/path',
    '',
  ].join('\n'));
});

test('what could drive a terminal is escaped, what holds two blanks is quoted', (t) => {
  const text = renderSteps([step(1, 'openTree', { path: '/a\u001b[2J', as: 'x  y' })], plain);
  t.regex(text, /path=\/a\\x1b\[2J {2}as="x {2}y"/);
});

test('changes have a sign and a colour for the whole line', (t) => {
  const text = renderChanges([{ sign: '-', item: step(3, 'maskPath', { target: '/a' }) }, { sign: '+', item: step(12, 'maskPath', { target: '/b' }) }], (style, line) => `<${style}>${line}`);
  t.is(text, '<red>-   3  launcher  maskPath  default  target=/a\n<green>+  12  launcher  maskPath  default  target=/b\n');
  t.is(renderChanges([], plain), '');
});

test('streams are those of a run at a terminal', (t) => {
  const streams = (...words: string[]) => optionsToExplain(first('explain', ...words, './image'));
  t.deepEqual(streams(), { stdin: 'ignore', log: true });
  t.deepEqual(streams('-i'), { stdin: 'pipe', log: true });
  t.deepEqual(streams('-t'), { terminal: true, log: true });
  t.deepEqual(streams('-d'), { survive: true, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
});

test('the plan as text and as JSON', (t) => {
  const text = tsrun([image, '/bin/app', 'x y']);
  t.is(text.status, 0);
  t.regex(text.stdout, /^ *# +WHERE +STEP +FROM +WITH\n +1 +launcher +recordState /);
  t.regex(text.stdout, / container +execute +\/process\/args +paths=\/bin\/app {2}arguments=\/bin\/app "x y"/);
  const { status, stdout } = tsrun(['--json', image, '/bin/app']);
  t.is(status, 0);
  const steps = readObjects(stdout, 'steps');
  t.like(steps.at(-1), { step: 'execute', where: 'container', field: '/process/args', arguments: { paths: '/bin/app' } });
  t.deepEqual(steps.map(({ index }) => index), steps.map((_step, index) => index + 1));
  t.true(steps.every(({ doc }) => typeof doc === 'string' && doc.endsWith('.')));
});

test('the same command line is explained in the same words', (t) => {
  t.deepEqual(tsrun([image, '/bin/app']), tsrun([image, '/bin/app']));
});

test('two sets of flags: only what differs', (t) => {
  const same = tsrun(['--diff', image, '/bin/app', '--', '--label', 'a=b']);
  t.is(same.stdout, '');
  t.is(same.status, 0);
  const { status, stdout } = tsrun(['--diff', image, '/bin/app', '--', '--hostname', 'other']);
  t.is(status, 0);
  const lines = stdout.trimEnd().split('\n');
  t.deepEqual(lines.map((line) => line.split(/ +/).filter((_word, index) => index !== 1).slice(0, 3)), [
    ...[['-', 'container', 'setHostname'], ['+', 'container', 'setHostname']],
    ...[['-', 'container', 'writeFile'], ['-', 'container', 'writeFile'], ['+', 'container', 'writeFile'], ['+', 'container', 'writeFile']],
    ...[['-', 'container', 'execute'], ['+', 'container', 'execute']],
  ]);
  const json = readObjects(tsrun(['--diff', '--json', image, '/bin/app', '--', '--hostname', 'other']).stdout);
  t.deepEqual(json.slice(0, 2).map((each) => [each['change'], each['step'], each['arguments']]), [
    ['-', 'setHostname', { name: 'run-0' }],
    ['+', 'setHostname', { name: 'other' }],
  ]);
});

test('nothing is touched: no state root, no cgroup', (t) => {
  t.is(tsrun([image, '/bin/app']).status, 0);
  t.false(existsSync(stateRoot));
});

test('it needs no right, no folder for runtime state and no subordinate ids', (t) => {
  // Somebody else, where somebody else can read this checkout.
  const uid = process.geteuid?.() === 0 && spawnSync(process.execPath, [main, '--version'], { uid: 4242, gid: 4242 }).status === 0 ? { uid: 4242 } : {};
  const { status, stdout, stderr } = tsrun([image, '/bin/app'], { ...uid, env: { TSRUN_ROOT: '', XDG_RUNTIME_DIR: '' } });
  t.is(status, 0, stderr);
  t.regex(stdout, / execute /);
});

test('where nobody names a program, another stands in, and the plan says so', async (t) => {
  const { status, stdout, stderr } = tsrun([image]);
  t.is(status, 0);
  t.regex(stdout, / container +execute +stand-in +paths=\/bin\/sh {2}arguments=\/bin\/sh/);
  t.regex(stderr, /^tsrun: note: no program is named: \/bin\/sh stands in for it$/m);
  t.regex(tsrun(['--json', image]).stdout, /"standIn": "\/bin\/sh"/);
  const changes = tsrun(['--diff', image, '--', '--hostname', 'other']);
  t.is(changes.status, 0);
  t.regex(changes.stdout, /^\+ +\d+ +container +setHostname +\S+ +name=other$/m);
  t.is((await explain(image, { command: ['/bin/app'] })).standIn, undefined);
});

test('bad input is refused as run refuses it', (t) => {
  t.like(tsrun([join(folder, 'nowhere'), 'x']), { status: 1, stdout: '' });
  t.regex(tsrun([join(folder, 'nowhere'), 'x']).stderr, /^tsrun: image '.*nowhere' does not exist\nhint: /);
});

test('the API gives the plan as well, and what would be remembered', async (t) => {
  const { plan, steps, record } = await explain(image, { command: ['/bin/app'], id: 'web.1', labels: { team: 'a' } });
  t.is(plan.steps.length, steps.length);
  t.like(record, { id: 'web.1', labels: { team: 'a' }, createdAtMs: 0 });
  await t.throwsAsync(explain(image, { command: ['/bin/app'], id: '../x' }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
});
