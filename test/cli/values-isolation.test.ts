import test from 'ava';
import { address, capability, hostEntry, namespace, network, securityOption, timeOffsets } from '../../src/cli/values/isolation.js';
import { accepts, first, refuses, rejects } from './support.js';

test('capabilities in any of docker\'s spellings', (t) => {
  accepts(t, capability, [['NET_ADMIN', 'CAP_NET_ADMIN'], ['cap_net_admin', 'CAP_NET_ADMIN'], ['Chown', 'CAP_CHOWN'], ['all', 'ALL']]);
  rejects(t, capability, [['NET_ADMN', 'no such capability, did you mean NET_ADMIN?'], ['', 'no such capability'], ['CAP_ALL', /no such capability/]]);
});

test('--security-opt', (t) => {
  accepts(t, securityOption, [
    ['no-new-privileges', { noNewPrivileges: true }],
    ['no-new-privileges=false', { noNewPrivileges: false }],
    ['no-new-privileges:true', { noNewPrivileges: true }],
    ['seccomp=unconfined', { seccomp: 'unconfined' }],
    ['seccomp=default', { seccomp: 'default' }],
    ['landlock=off', { landlock: false }],
    ['landlock=on', { landlock: true }],
    ['systempaths=unconfined', { systemPaths: 'unconfined' }],
    ['apparmor=web', { apparmor: 'web' }],
  ]);
  rejects(t, securityOption, [
    ['label=disable', /SELinux/],
    ['secomp=unconfined', 'unknown option "secomp", did you mean "seccomp"?'],
    ['toString=1', /^unknown option/],
    ['landlock', 'expected one of on, off after "="'],
    ['no-new-privileges=perhaps', 'expected true or false'],
    ['apparmor=', /AppArmor/],
    ['seccomp=', /seccomp=FILE/],
  ]);
});

test('--security-opt seccomp=FILE reads the profile strictly', (t) => {
  const { seccomp } = first('run', '--security-opt', 'seccomp=./seccomp.json', './image').options;
  t.like(seccomp, { defaultAction: 'SCMP_ACT_ALLOW' });
  t.like(first('run', '--security-opt', 'seccomp=./docker.json', './image').options.seccomp, { defaultAction: 'SCMP_ACT_ERRNO', archMap: [] });
  rejects(t, securityOption, [
    ['seccomp=./absent.json', 'the file cannot be read: ENOENT'],
    ['seccomp=./twice.json', /duplicate key "defaultAction"/],
    ['seccomp=./other.json', /"defaultAction" is missing/],
    ['seccomp=./app.env', /app\.env:1:1: /],
  ]);
});

test('several security options add up', (t) => {
  const { options } = first('run', '--security-opt', 'landlock=off', '--security-opt', 'seccomp=unconfined', './image');
  t.deepEqual(options, { autoRemove: false, landlock: false, seccomp: 'unconfined' });
});

test('namespaces', (t) => {
  accepts(t, namespace, [['private', 'new'], ['host', 'host'], ['ns:/proc/1/ns/pid', { path: '/proc/1/ns/pid' }]]);
  rejects(t, namespace, [
    ['container:', /cannot be the name of a container/],
    ['container:../x', /cannot be the name of a container/],
    ['ns:relative', /absolute path/],
    ['none', 'expected one of private, host, container:NAME, ns:PATH'],
  ]);
  accepts(t, network, [['none', 'none'], ['host', 'host'], ['user', 'user'], ['bridge', 'bridge'], ['ns:/run/netns/a', { path: '/run/netns/a' }], ['container:web', { container: 'web' }]]);
  rejects(t, network, [['bridged', 'expected one of none, user, bridge, host, container:NAME, ns:PATH'], ['container:-x', /cannot be the name/]]);
});

test('--time-offset', (t) => {
  accepts(t, timeOffsets, [
    ['monotonic=5', { monotonic: 5 }],
    ['boottime=-5,monotonic=86400', { boottime: -5, monotonic: 86_400 }],
  ]);
  rejects(t, timeOffsets, [
    ['monotonic', /KEY=VALUE/],
    ['realtime=5', 'unknown clock "realtime"'],
    ['monotonic=1,monotonic=2', '"monotonic" is given twice'],
    ['monotonic=1.5', /integer/],
    ['', /KEY=VALUE/],
  ]);
  t.deepEqual(first('run', '--time-offset', 'monotonic=1', '--time-offset', 'boottime=2', './image').options.timeOffsets, { monotonic: 1, boottime: 2 });
});

test('addresses and names', (t) => {
  accepts(t, address, [['192.0.2.1', '192.0.2.1'], ['2001:db8::1', '2001:db8::1']]);
  rejects(t, address, [['localhost', /address/], ['192.0.2.256', /address/], ['', /address/]]);
  accepts(t, hostEntry, [
    ['db:192.0.2.7', { key: 'db', value: '192.0.2.7' }],
    ['db=192.0.2.7', { key: 'db', value: '192.0.2.7' }],
    ['db:2001:db8::1', { key: 'db', value: '2001:db8::1' }],
    ['db:[2001:db8::1]', { key: 'db', value: '2001:db8::1' }],
  ]);
  rejects(t, hostEntry, [
    ['db', 'expected NAME:IP'],
    ['db:host-gateway', 'there is no gateway to the host'],
    ['db:elsewhere', '"elsewhere" is not an IPv4 or IPv6 address'],
    ['a b:192.0.2.7', 'expected NAME:IP'],
    ['db:192.0.2.7\nevil', /is not an IPv4/],
  ]);
});

test('values of a fixed form', (t) => {
  refuses(t, 'run', ['-w', 'app', './image'], 'invalid value "app" for -w: expected an absolute path in the container');
  refuses(t, 'run', ['-u', 'a:b:c', './image'], /USER or USER:GROUP/);
  refuses(t, 'run', ['-h', '-x', './image'], /letters, digits/);
  refuses(t, 'run', ['-h', 'a'.repeat(65), './image'], /up to 64/);
  refuses(t, 'run', ['--sysctl', 'net/ipv4=1', './image'], /dotted name/);
  refuses(t, 'run', ['--sysctl', 'net.ipv4.x', './image'], /KEY=VALUE/);
  refuses(t, 'run', ['--label', '=x', './image'], /KEY=VALUE/);
  refuses(t, 'run', ['-c', '1', './image'], /from 2 to 262144/);
  refuses(t, 'run', ['--oom-score-adj', '1001', './image'], /from -1000 to 1000/);
  t.deepEqual(first('run', '--group-add', '5', '--group-add', 'audio', './image').options.groups, [5, 'audio']);
  t.deepEqual(first('run', '--label', 'a', '--label', 'b=c=d', './image').options.labels, { a: '', b: 'c=d' });
});
