import test from 'ava';
import { ignoredFields } from '../../../src/container/build/ignored-fields.js';
import type { Spec } from '../../../src/spec/types.js';

const user = { uid: 0, gid: 0 };
const spec = (parts: Partial<Spec>): Spec => ({ ociVersion: '1.0.2', ...parts });

test('what a bundle asks for and does not get is told, and refused for who is strict', (t) => {
  const cgroup = spec({ linux: { cgroupsPath: '/a/b' } });
  t.deepEqual(ignoredFields(cgroup, false), ['/linux/cgroupsPath: "/a/b" is not used, as tsrun makes the cgroup in its own']);
  t.throws(() => ignoredFields(cgroup, true), { code: 'ERR_TSRUN_UNSUPPORTED', message: /cgroupsPath.*"\/a\/b"/ });
  // As `runc spec` writes it.
  const ambient = spec({ process: { user, args: ['sh'], cwd: '/', capabilities: { permitted: ['CAP_KILL'], ambient: ['CAP_KILL'] } } });
  t.regex(ignoredFields(ambient, false)[0] ?? '', /ambient: CAP_KILL cannot be raised/);
  t.throws(() => ignoredFields(ambient, true), { code: 'ERR_TSRUN_UNSUPPORTED' });
});

test('nothing is said where nothing is lost', (t) => {
  const sets = { permitted: ['CAP_KILL'], inheritable: ['CAP_KILL'], ambient: ['CAP_KILL'] };
  for (const each of [undefined, spec({}), spec({ linux: {} }), spec({ process: { user, args: ['sh'], cwd: '/', capabilities: sets } })]) t.deepEqual(ignoredFields(each, true), []);
});
