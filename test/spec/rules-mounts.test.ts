import test from 'ava';
import { validateSpec } from '../../src/spec/validate.js';
import { faultOf } from './mutate.js';

const check = (mount: object) => faultOf(() => validateSpec({ ociVersion: '1.2.0', root: { path: 'rootfs' }, mounts: [{ destination: '/dev', type: 'tmpfs' }, mount] }));

test('at /proc there is a procfs or nothing', (t) => {
  t.is(check({ destination: '/proc', type: 'proc' }), undefined);
  t.is(check({ destination: '/proc//', type: 'proc' }), undefined);
  t.is(check({ destination: '/proc', type: 'bind', source: '/proc/', options: ['rbind'] }), undefined, 'podman, with the pids of the host');
  for (const mount of [{ type: 'tmpfs' }, { type: 'bind', source: '/srv/proc' }, { type: 'none', source: '/proc/1', options: ['bind'] }, { type: 'none', source: '/proc' }, { type: 'proc', source: '/srv/proc', options: ['bind'] }]) {
    t.like(check({ destination: '/proc', ...mount }), { field: '/mounts/1/destination' }, JSON.stringify(mount));
  }
});

test('below /proc there are only files that concern nobody\'s walls', (t) => {
  const volume = { type: 'bind', source: '/srv/files', options: ['bind'] };
  for (const destination of ['/proc/cpuinfo', '/proc/net/dev', '/proc/sys/kernel/ns_last_pid', '/procession', '/srv/proc/self']) t.is(check({ ...volume, destination }), undefined, destination);
  for (const destination of ['/proc/self', '/proc/self/attr', '/proc/sys', '/proc/sys/kernel', '/proc/net', '/x/../proc/keys', '//proc/1', '/proc/stat/x']) {
    t.like(check({ ...volume, destination }), { field: '/mounts/1/destination' }, destination);
  }
  t.regex(check({ ...volume, destination: '/proc/self' })?.hint ?? '', /^below \/proc only at \/proc\/cpuinfo, /);
  t.like(check({ destination: '/proc/self', type: 'proc' }), { field: '/mounts/1/destination' });
});
