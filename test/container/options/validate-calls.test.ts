import test from 'ava';
import { ofTerminal } from '../../../src/container/terminal-call.js';
import {
  validateConnect, validateEventsOptions, validateExamineOptions, validateImage, validateLogArguments, validateRuntimeOptions, validateSignal, validateStopOptions, validateWindow, validateWindowOf,
} from '../../../src/container/options/validate-calls.js';
import { validateExecOptions } from '../../../src/container/options/validate-exec.js';
import { validateLimitOptions } from '../../../src/container/options/validate-limits.js';
import { validateResources } from '../../../src/spec/validate.js';
import { faultOf } from '../../spec/mutate.js';

type Refusal = readonly [run: () => unknown, field: string, says: RegExp];

const abortSignal = AbortSignal.timeout(1);
const connect = (port: unknown, options: unknown = {}) => () => { validateConnect(port, options); };
const stop = (options: unknown) => () => { validateStopOptions(options); };
const exec = (options: unknown) => () => validateExecOptions(options);

const refusals: readonly Refusal[] = [
  [stop({ graceMs: 3e9 }), '/graceMs', /3000000000.*|-1 to 2147483647/],
  [stop({ graceMs: -2 }), '/graceMs', /-2/],
  [stop({ graceMs: '5' }), '/graceMs', /"5"/],
  [stop({ graceMS: 5 }), '/graceMS', /did you mean "graceMs"/],
  [stop({ signal: 'SIGTER' }), '/signal', /did you mean "SIGTERM"/],
  [stop({ signal: 65 }), '/signal', /65/],
  [stop(null), '', /null/],
  [() => { validateSignal(null); }, '/signal', /null/],
  [() => { validateSignal(['9']); }, '/signal', /an array/],
  [() => { validateSignal(0); }, '/signal', /0/],
  [() => { validateRuntimeOptions({ rot: '/x' }); }, '/rot', /did you mean "root"/],
  [() => { validateRuntimeOptions({ root: 5 }); }, '/root', /a path, found 5/],
  [() => { validateRuntimeOptions(null); }, '', /null/],
  [() => { validateEventsOptions({ signal: 'x' }); }, '/signal', /AbortSignal/],
  [() => { validateEventsOptions({ sginal: abortSignal }); }, '/sginal', /signal/],
  [() => { validateLogArguments('/x', { folow: true }); }, '/folow', /follow/],
  [() => { validateLogArguments(undefined, {}); }, '/folder', /nothing/],
  [() => { validateLogArguments(5, {}); }, '/folder', /5/],
  [() => { validateLogArguments('', {}); }, '/folder', /not empty/],
  [() => { ofTerminal(9999, () => { throw Object.assign(new Error(), { code: 'EBADF' }); }); }, '/fd', /9999 is not open/],
  [() => { validateExamineOptions({ folders: ['x'] }); }, '/folders/0', /./],
  [connect(0), '/port', /1 to 65535/],
  [connect('80'), '/port', /"80"/],
  [connect(80, { host: 'localhost' }), '/host', /names are not resolved/],
  [connect(80, { host: 'fe80::1%eth0' }), '/host', /interface/],
  [connect(80, { hots: '::1' }), '/hots', /host/],
  [connect(80, null), '', /null/],
  [() => { validateWindow(0, 80); }, '/rows', /1 to 65535/],
  [() => { validateWindow(24, 65_536); }, '/columns', /65536/],
  [() => { validateWindow(24.5, 80); }, '/rows', /24.5/],
  [() => { validateWindowOf(-1, 24, 80); }, '/fd', /-1/],
  [() => { validateImage(undefined, {}); }, '/image', /found nothing/],
  [() => { validateImage('x', null); }, '', /null/],
  [() => { validateImage('x', []); }, '', /an array/],
  [() => validateLimitOptions({ memoryy: '1g' }), '/memoryy', /memory/],
  [() => validateLimitOptions({ hostname: 'x' }), '/hostname', /unknown/],
  [() => validateResources({ memmory: {} }), '/memmory', /memory/],
  [() => validateResources({ memory: { max: 5 } }), '/memory/max', /unknown/],
  [() => validateResources({ pids: { limit: 'x' } }), '/pids/limit', /"x"/],
  [() => validateResources(null), '', /null/],
  [exec({}), '/command', /found nothing/],
  [exec({ command: [] }), '/command', /at least 1/],
  [exec({ command: [''] }), '/command/0', /empty/],
  [exec({ command: 'ls' }), '/command', /"ls"/],
  [exec({ command: ['a\0b'] }), '/command/0', /NUL/],
  [exec({ command: ['ls'], usr: 'x' }), '/usr', /did you mean "user"/],
  [exec({ command: ['ls'], cwd: 'tmp' }), '/cwd', /absolute/],
  [exec({ command: ['ls'], env: { 'A=B': 'x' } }), '/env/A=B', /=/],
  [exec({ command: ['ls'], env: { A: 'x\0' } }), '/env/A', /NUL/],
  [exec({ command: ['ls'], groups: [-1] }), '/groups/0', /-1/],
  [exec({ command: ['ls'], stdin: -1 }), '/stdin', /-1/],
  [exec({ command: ['ls'], cpuAffinity: '1-' }), '/cpuAffinity', /1-/],
  [exec({ command: ['ls'], cpuAffinity: '0-999999' }), '/cpuAffinity', /0-999999/],
  [exec(null), '', /null/],
  [exec(undefined), '', /nothing/],
];

test('each is refused with its field, its value, and what is allowed', (t) => {
  for (const [run, field, says] of refusals) {
    const fault = faultOf(run);
    t.is(fault?.code, 'ERR_TSRUN_INVALID_ARGUMENT', `${field} ${says.source}`);
    t.is(fault?.field, field, fault?.message);
    t.regex(`${fault?.message ?? ''} ${fault?.hint ?? ''}`, says);
  }
});

test('what is right passes', (t) => {
  t.notThrows(() => {
    for (const graceMs of [-1, 0, 2_147_483_647]) validateStopOptions({ graceMs });
    for (const signal of ['TERM', 'SIGRTMIN+1', '15', 15]) {
      validateStopOptions({ signal });
      validateSignal(signal);
    }
    for (const host of ['127.0.0.1', '::1', undefined]) validateConnect(80, { host });
    validateConnect(65_535, {});
    validateRuntimeOptions({});
    validateEventsOptions({ signal: abortSignal });
    validateWindow(1, 65_535);
    validateExecOptions({ command: ['ls', ''], env: { A: '' }, cwd: '/', user: 'a:b', groups: [1, 'x'], terminal: true, stdin: 3, cpuAffinity: '0-1' });
    validateResources({ memory: { limit: -1 }, unified: { 'memory.high': '1' } });
  });
});
