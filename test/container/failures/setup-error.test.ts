/** What a person is told of a step that failed, where the errno alone says too little. */
import test from 'ava';
import { setupError } from '../../../src/container/failures/setup-error.js';
import type { Step } from '../../../src/plan/wire.generated.js';
import { compile } from '../../plan/support.js';

const { plan } = compile({ options: { root: 'read-only' } });
const [eperm, enotdir, edquot] = [1, 20, 122];

function told(op: Step['op'], errno: number, syscall: string): { readonly message: string; readonly hint: string } {
  const step = plan.steps.findIndex((planned) => planned.step.op === op);
  const { message, hint = '' } = setupError({ op: 'failed', container: 1, step, syscall: 0, error: errno }, plan, { syscallName: () => syscall, readInRoot: () => null });
  return { message, hint };
}

test('a session keyring that cannot be had: who forbids it, or which limit is reached', (t) => {
  const forbidden = told('joinKeyring', eperm, 'keyctl');
  t.regex(forbidden.message, /session keyring may be made/);
  t.regex(forbidden.hint, /seccomp/);
  const full = told('joinKeyring', edquot, 'keyctl');
  t.regex(full.message, /has no keys left/);
  t.regex(full.hint, /\/proc\/sys\/kernel\/keys/);
});

test('a working directory that is a file, in a read-only root too', (t) => {
  for (const op of ['makeDirectory', 'setDirectory'] as const) t.regex(told(op, enotdir, 'openat2').message, /the working directory '\/' is not a folder/);
});

test('a plan that the launcher took for none is no fault of a step', (t) => {
  const error = setupError({ op: 'failed', container: 1, step: 0xffff_ffff, syscall: 0, error: 74 }, plan, { syscallName: () => '', readInRoot: () => null });
  t.like(error, { message: 'the launcher refused the plan: EBADMSG', step: -1, stepCount: plan.steps.length, op: 'plan', field: undefined });
  t.regex(error.hint ?? '', /different versions/);
});
