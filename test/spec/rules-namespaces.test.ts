import test from 'ava';
import { pointer } from '../../src/spec/quote.js';
import { validateSpec } from '../../src/spec/validate.js';
import { faultOf } from './mutate.js';

test('fields of namespaces need one that is not the host\'s', (t) => {
  const base = { ociVersion: '1.0.2', root: { path: 'rootfs' } };
  const check = (linux: object, rest: object = {}) => faultOf(() => validateSpec({ ...base, ...rest, linux }));
  const own = (...types: string[]) => types.map((type) => ({ type }));
  const map = [{ containerID: 0, hostID: 1000, size: 1 }];

  t.like(check({}, { hostname: 'x' }), { field: '/hostname', hint: 'add {"type": "uts"} to linux.namespaces' });
  t.like(check({}, { domainname: 'x' }), { field: '/domainname' });
  t.is(check({ namespaces: own('uts') }, { hostname: 'x', domainname: 'y' }), undefined);
  t.is(check({ namespaces: [{ type: 'uts', path: '/proc/77/ns/uts' }] }, { hostname: 'x' }), undefined);
  for (const host of ['/proc/self/ns/uts', '/proc/1/ns/uts', '/proc/thread-self/ns/uts', '/proc/self/task/1/ns/uts']) {
    t.like(check({ namespaces: [{ type: 'uts', path: host }] }, { hostname: 'x' }), { field: '/hostname' }, host);
  }
  t.like(check({ uidMappings: map }), { field: '/linux/uidMappings' });
  t.like(check({ gidMappings: map }), { field: '/linux/gidMappings' });
  t.is(check({ uidMappings: map, gidMappings: map, namespaces: own('user') }), undefined);
  // The kernel takes no empty map (user_namespaces(7)); without any a range is chosen.
  t.like(check({ uidMappings: map, namespaces: own('user') }), { code: 'ERR_TSRUN_INVALID_SPEC', field: '/linux/gidMappings' });
  t.like(check({ uidMappings: [], gidMappings: map, namespaces: own('user') }), { code: 'ERR_TSRUN_INVALID_SPEC', field: '/linux/uidMappings' });
  t.is(check({ uidMappings: map, namespaces: [{ type: 'user', path: '/run/ns/user' }] }), undefined);
  t.is(check({ namespaces: own('user') }), undefined);
  t.is(check({ uidMappings: [] }), undefined);
  t.like(check({ timeOffsets: {} }), { field: '/linux/timeOffsets' });
  t.like(check({ timeOffsets: {}, namespaces: [{ type: 'time', path: '/run/ns/time' }] }), { field: '/linux/timeOffsets' });
  t.like(check({ netDevices: { eth0: {} } }), { field: '/linux/netDevices' });
  const idmapped = { mounts: [{ destination: '/x', options: ['bind', 'idmap'] }] };
  t.like(check({}, idmapped), { field: '/mounts/0/options/1' });
  t.is(check({ namespaces: own('user') }, idmapped), undefined);

  const joined = faultOf(() => validateSpec({ ...base, hostname: 'x' }, { namespaceFds: { uts: 5 } }));
  t.is(joined, undefined);
  t.like(faultOf(() => validateSpec({ ...base, linux: { timeOffsets: {}, namespaces: own('time') } }, { namespaceFds: { time: 5 } })), {
    field: '/linux/timeOffsets',
  });
});

test('sysctls belong to a namespace of the container', (t) => {
  const check = (key: string, value: string, types: string[]) =>
    faultOf(() => validateSpec({
      ociVersion: '1.0.2',
      root: { path: 'r' },
      linux: { sysctl: { [key]: value }, namespaces: types.map((type) => ({ type })) },
    }));
  const all = ['network', 'ipc', 'uts', 'user', 'mount', 'pid'];
  const owners: Record<string, string[]> = {
    network: ['net.ipv4.ip_forward', 'net.ipv4.conf.veth-0.rp_filter', 'net.core.somaxconn', 'net.ipv4.ping_group_range', 'net/ipv4/ip_forward', 'net.ipv4.conf.eth0/100.forwarding', 'net/ipv4/conf/eth0.100/forwarding'],
    ipc: ['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax', 'kernel.shmmni', 'kernel.shm_rmid_forced', 'fs.mqueue.msg_max', 'kernel/sem', 'fs/mqueue/msg_max'],
    uts: ['kernel.domainname', 'kernel.hostname'],
    user: ['user.max_user_namespaces'],
  };
  for (const [type, keys] of Object.entries(owners)) {
    for (const key of keys) {
      t.is(check(key, '1 2', [type]), undefined, key);
      t.like(check(key, '1', all.filter((other) => other !== type)), { field: pointer('/linux/sysctl', key) }, key);
    }
  }
  const refused = [
    ...['kernel.core_pattern', 'kernel.modprobe', 'vm.swappiness', 'fs.file-max', 'kernel.shm', 'kernel.sem2', 'kernel.semx', 'fs.mqueue', 'net'],
    ...['netx.a', 'user', 'net..ipv4', '.net.ipv4', 'net.ipv4.', 'net.../kernel/core_pattern', '../kernel.sem'],
    ...['net/../kernel/core_pattern', 'net/./a', 'net//a', '/net/a', 'net/a/', 'net/..', 'net.//.kernel.core_pattern', 'net.a/./b', 'net/ipv4/.../x', 'kernel/core_pattern', 'vm/swappiness', 'netx/a', 'fs/mqueue'],
    ...['net.ipv4/../../kernel/core_pattern', 'kernel.sem=1', 'net.a b', 'net.a\n', 'net.a\0', 'NET.ipv4.a', 'kernel.hostname.x', '', '__proto__', 'kernel.msg_next_id'],
  ];
  for (const key of refused) t.true(check(key, '1', all)?.field?.startsWith('/linux/sysctl/'), JSON.stringify(key));
  for (const value of ['1\n2', '1\nkernel.core_pattern=|/x', 'a\0b', '\ud800']) t.like(check('net.a.b', value, all), { field: '/linux/sysctl/net.a.b' });
});

test('id maps', (t) => {
  const check = (uidMappings: [number, number, number][]) =>
    faultOf(() => validateSpec({
      ociVersion: '1.0.2',
      root: { path: 'r' },
      linux: {
        namespaces: [{ type: 'user' }],
        uidMappings: uidMappings.map(([containerID, hostID, size]) => ({ containerID, hostID, size })),
        gidMappings: [{ containerID: 0, hostID: 0, size: 1 }],
      },
    }))?.field;
  t.is(check([[0, 0, 4294967295]]), undefined);
  t.is(check([[0, 1000, 1], [1, 100000, 65536]]), undefined);
  // The order that an ordinary user's engine may write.
  t.is(check([[0, 1, 1000], [1000, 0, 1], [1001, 1001, 64536]]), undefined);
  t.is(check([[1, 1, 1], [0, 0, 1]]), undefined);
  t.is(check([[0, 1000, 0]]), '/linux/uidMappings/0/size');
  t.is(check([[0, 1000, 4294967296]]), '/linux/uidMappings/0/size');
  t.is(check([[1, 0, 4294967295]]), '/linux/uidMappings/0/size');
  t.is(check([[0, 4294967294, 2]]), '/linux/uidMappings/0/size');
  t.is(check([[0, 4294967295, 1]]), '/linux/uidMappings/0/hostID');
  t.is(check([[0, 0, 10], [9, 100, 1]]), '/linux/uidMappings/1/containerID');
  t.is(check([[0, 0, 10], [10, 9, 1]]), '/linux/uidMappings/1/hostID');
  t.is(check([[100, 100, 10], [0, 0, 200]]), '/linux/uidMappings/0/containerID');
  // One wide range, a narrow one inside, then another inside the wide one.
  t.is(check([[0, 0, 100], [10, 1000, 1], [50, 2000, 1]]), '/linux/uidMappings/1/containerID');
  const lines = (count: number, step: number): [number, number, number][] => Array.from({ length: count }, (_, i) => [i * step, i * step, 1]);
  t.is(check(lines(340, 2)), undefined);
  t.is(check(lines(341, 2)), '/linux/uidMappings');
  t.is(check(lines(300, 1_000_000)), '/linux/uidMappings', 'more than a page of text');
});

test('the user must be in the map of a new user namespace', (t) => {
  const check = (user: object, namespace: object = { type: 'user' }) =>
    faultOf(() => validateSpec({
      ociVersion: '1.0.2',
      root: { path: 'r' },
      process: { user: { uid: 0, gid: 0, ...user }, args: ['x'], cwd: '/' },
      linux: {
        namespaces: [namespace],
        uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
        gidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
      },
    }))?.field;
  t.is(check({ uid: 9, gid: 9, additionalGids: [9] }), undefined);
  t.is(check({ uid: 10 }), '/process/user/uid');
  t.is(check({ gid: 10 }), '/process/user/gid');
  t.is(check({ additionalGids: [1, 10] }), '/process/user/additionalGids/1');
  t.is(check({ uid: 10 }, { type: 'user', path: '/run/userns' }), undefined);
});
