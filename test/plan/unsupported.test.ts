/** What a spec can say and tsrun does not do. */
import test from 'ava';
import type { Linux, Process } from '../../src/spec/types.js';
import { fault } from '../container/build/build-support.js';
import { planOfBundle } from './bundles.js';

const namespaces: NonNullable<Linux['namespaces']> = [{ type: 'mount' }];
const program = { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/' };

test('each is refused with a pointer to its field', (t) => {
  const rows: [linux: Linux, field: string][] = [
    [{ seccomp: { defaultAction: 'SCMP_ACT_NOTIFY' } }, '/linux/seccomp/defaultAction'],
    [{ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['read'], action: 'SCMP_ACT_LOG' }, { names: ['open'], action: 'SCMP_ACT_NOTIFY' }] } }, '/linux/seccomp/syscalls/1/action'],
    [{ intelRdt: {} }, '/linux/intelRdt'],
    [{ netDevices: { eth0: {} } }, '/linux/netDevices'],
  ];
  for (const [linux, field] of rows) t.like(fault(() => planOfBundle({ linux: { namespaces: [...namespaces, { type: 'network' }], ...linux } })), { code: 'ERR_TSRUN_UNSUPPORTED', field });
  for (const name of ['windows', 'vm', 'solaris', 'zos', 'freebsd']) t.like(fault(() => planOfBundle({ [name]: {}, linux: { namespaces } })), { code: 'ERR_TSRUN_UNSUPPORTED', field: `/${name}` });
  t.like(fault(() => planOfBundle({ process: { ...program, commandLine: 'a b' } as Process, linux: { namespaces } })), { code: 'ERR_TSRUN_UNSUPPORTED', field: '/process/commandLine' });
  t.regex(fault(() => planOfBundle({ linux: { namespaces, seccomp: { defaultAction: 'SCMP_ACT_NOTIFY' } } })).message, /SCMP_ACT_NOTIFY/);
});
