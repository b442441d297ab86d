/** Where the steps of hooks stand in a plan. */
import test from 'ava';
import { compilePlan } from '../../src/plan/compile.js';
import { stateText } from '../../src/spec/hooks.js';
import type { Hooks } from '../../src/spec/types.js';
import { bundleWith } from './bundles.js';
import { compile } from './support.js';

const hookState = { ociVersion: '1.3.0', id: 'one', bundle: '/bundle', annotations: { a: '"b"' } };
const hook = [{ path: '/bin/hook', timeout: 2 }];

function stepsOf(hooks: Hooks) {
  const { input } = compile({ image: bundleWith({ linux: { namespaces: [{ type: 'mount' }] } }) });
  return compilePlan({ ...input, spec: { ...input.spec, hooks }, rootPath: '/image', ociRuntime: { hookState }, awaitStart: true, startFifos: { start: '/fifo', report: '/report' } }).steps.map(({ step }) => step);
}

function orderOf(hooks: Hooks): string[] {
  const wanted = new Set(['openTree', 'findInTree', 'clone', 'attachRoot', 'enterHost', 'awaitClient', 'runHook', 'pivotRoot', 'setCapabilities', 'awaitFifo', 'execute']);
  return stepsOf(hooks).map(({ op }) => op).filter((op) => wanted.has(op));
}

test('with none, nothing of the host comes along', (t) => {
  t.deepEqual(orderOf({ poststart: hook, poststop: hook }), ['openTree', 'clone', 'attachRoot', 'pivotRoot', 'setCapabilities', 'awaitFifo', 'execute']);
});

test('those of create before the root is changed, those of start last', (t) => {
  t.deepEqual(orderOf({ createRuntime: hook, createContainer: hook, startContainer: hook }), [
    'openTree', 'openTree', 'findInTree', 'clone', 'attachRoot', 'enterHost', 'awaitClient', 'runHook', 'pivotRoot', 'setCapabilities', 'awaitFifo', 'runHook', 'execute',
  ]);
  t.deepEqual(orderOf({ createContainer: hook }).filter((op) => op === 'awaitClient'), []);
});

test('the state is text of JSON around the pid', (t) => {
  const step = stepsOf({ createContainer: hook }).find(({ op }) => op === 'runHook');
  if (step?.op !== 'runHook') throw new Error('no hook');
  t.deepEqual(JSON.parse(`${step.stateHead}7${step.stateTail}`), { ...hookState, status: 'created', pid: 7 });
  t.like(step, { path: '/bin/hook', arguments: ['/bin/hook'], environment: [], timeoutMs: 2000 });
  t.deepEqual(JSON.parse(stateText({ ...hookState, annotations: undefined }, 'stopped', '0')), { ociVersion: '1.3.0', id: 'one', status: 'stopped', pid: 0, bundle: '/bundle' });
});
