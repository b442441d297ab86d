// Units: their names and places, limits and annotations as their properties, and the calls that make and end them.
import test from 'ava';
import { busAddresses } from '../../../src/oci-cli/systemd/bus-socket.js';
import { BusConnection } from '../../../src/oci-cli/systemd/dbus-connection.js';
import { propertiesOfAnnotations } from '../../../src/oci-cli/systemd/unit-annotations.js';
import { UnitManager, type UnitProperty } from '../../../src/oci-cli/systemd/unit-manager.js';
import { slicePath, unitNameOf } from '../../../src/oci-cli/systemd/unit-name.js';
import { infinity, unitProperties, withWholePercents } from '../../../src/oci-cli/systemd/unit-properties.js';
import type { Resources } from '../../../src/spec/types.js';
import { host } from '../../plan/support.js';
import { FakeBus, type Call, type Message } from '../../support/fake-bus.js';

test('cgroupsPath names slice and scope; without one it is where runc\'s would be', (t) => {
  t.deepEqual(unitNameOf('machine.slice:libpod:abc', 'x', false), { unit: 'libpod-abc.scope', slice: 'machine.slice' });
  t.deepEqual(unitNameOf('', 'one', false), { unit: 'tsrun-one.scope', slice: 'system.slice' });
  t.deepEqual(unitNameOf('', 'one', true), { unit: 'tsrun-one.scope', slice: 'user.slice' });
  t.deepEqual(unitNameOf(':docker:1', 'x', false), { unit: 'docker-1.scope', slice: 'system.slice' });
  t.deepEqual(unitNameOf('a.slice::1', 'x', false), { unit: '-1.scope', slice: 'a.slice' });
  for (const [wrong, message] of [
    ['/a/b', /expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "\/a\/b" instead/],
    ['a.slice:b:c:d', /expected cgroupsPath/], ['a.slice:b:', /is no name of a systemd unit/], ['a.slice:b:c/d', /is no name/], ['a.slice:b:c d', /is no name/],
    [`a.slice:b:${'c'.repeat(255)}`, /is no name/], ['a.slice:b:c.slice', /is a slice, which holds no processes/],
    ['a:b:c', /invalid slice name: "a"/], ['a/b.slice:b:c', /invalid slice name/], ['-a.slice:b:c', /invalid slice name/], ['a--b.slice:b:c', /invalid slice name/], ['..:b:c', /invalid slice name/],
  ] as const) t.throws(() => unitNameOf(wrong, 'x', false), { message }, wrong);
});

test('slices lie in each other', (t) => {
  t.is(slicePath('-.slice'), '');
  t.is(slicePath('system.slice'), '/system.slice');
  t.is(slicePath('kubepods-burstable-pod1_2.slice'), '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice');
});

const propertiesOf = (resources: Resources, version = 252) => Object.fromEntries(unitProperties(resources, { ...host, onlineCpus: '0-15' }, version).map(({ name, value }) => [name, value.value]));

test('limits are properties of the unit, as the files have them', (t) => {
  t.deepEqual(propertiesOf({
    memory: { limit: 1 << 20, reservation: 4096, swap: 3 << 20 }, cpu: { shares: 1024, quota: 15_000, period: 10_000, cpus: '0-2,9', mems: '0' }, pids: { limit: 7 }, blockIO: { weight: 500 },
    unified: { 'memory.high': '512K', 'memory.min': '0x1000', 'memory.oom.group': '1' },
  }), {
    MemoryMax: 1n << 20n, MemoryLow: 4096n, MemorySwapMax: 2n << 20n, MemoryHigh: 512n << 10n, MemoryMin: 4096n, CPUWeight: 100n, CPUQuotaPerSecUSec: 1_500_000, CPUQuotaPeriodUSec: 10_000,
    AllowedCPUs: [7, 2], AllowedMemoryNodes: [1], TasksMax: 7n, IOWeight: 4950n,
  });
  t.deepEqual(propertiesOf({ memory: { limit: -1 }, pids: { limit: -1 }, cpu: { quota: -1 } }), { MemorySwapMax: infinity, MemoryMax: infinity, TasksMax: infinity, CPUQuotaPeriodUSec: 100_000, CPUQuotaPerSecUSec: infinity });
  t.deepEqual(propertiesOf({ cpu: { idle: 1 } }), { CPUWeight: 0 });
  t.deepEqual(propertiesOf({ cpu: { idle: 0 } }), { CPUWeight: 100 });
  t.deepEqual(propertiesOf({ blockIO: { weightDevice: [{ major: 8, minor: 0, weight: 100 }] }, unified: { 'hugetlb.2MB.max': '0' } }), {});
  t.deepEqual(propertiesOf({}), {});
});

test('an older systemd is not told what it does not know', (t) => {
  t.deepEqual(Object.keys(propertiesOf({ cpu: { cpus: '0', quota: 10_000, idle: 1 }, memory: { limit: 4096 } }, 241)).sort(), ['CPUQuotaPerSecUSec', 'MemoryMax']);
});

test('a quota is of whole percents, rounded up, as systemd keeps it', (t) => {
  const rounded = (quota: number, period?: number) => withWholePercents({ cpu: { quota, ...(period === undefined ? {} : { period }) } }).cpu?.quota;
  t.deepEqual([rounded(12_345, 50_000), rounded(12_345), rounded(10_000), rounded(1001, 3000), rounded(-1), rounded(0)], [12_500, 13_000, 10_000, 1020, -1, 0]);
  t.deepEqual(withWholePercents({ pids: { limit: 1 } }), { pids: { limit: 1 } });
});

test('annotations are properties, in GVariant\'s text form', (t) => {
  const found = (annotations: Record<string, string>) => propertiesOfAnnotations(Object.fromEntries(Object.entries(annotations).map(([name, text]) => [`org.systemd.property.${name}`, text])));
  const one = (name: string, text: string) => found({ [name]: text }).map((each) => [each.name, each.value.signature, each.value.value]);
  t.deepEqual(one('CollectMode', '\'inactive-or-failed\''), [['CollectMode', 's', 'inactive-or-failed']]);
  t.deepEqual(one('Description', '"a \\"b\\""'), [['Description', 's', 'a "b"']]);
  t.deepEqual(one('TimeoutStopUSec', 'uint64 123456789'), [['TimeoutStopUSec', 't', 123_456_789n]]);
  t.deepEqual(one('TimeoutStopSec', '7'), [['TimeoutStopUSec', 't', 7_000_000n]]);
  t.deepEqual(one('TimeoutStopSec', '1.5'), [['TimeoutStopUSec', 't', 1_500_000n]]);
  t.deepEqual(one('KillSignal', '15'), [['KillSignal', 'i', 15n]]);
  t.deepEqual(one('KillSignal', '-1'), [['KillSignal', 'i', -1n]]);
  t.deepEqual(one('SendSIGHUP', 'true'), [['SendSIGHUP', 'b', true]]);
  t.deepEqual(one('After', '[\'a.service\', "b,c.service"]'), [['After', 'as', ['a.service', 'b,c.service']]]);
  t.deepEqual(propertiesOfAnnotations({ 'io.podman.x': '1' }), []);
  for (const [name, text] of [['After', '[]'], ['After', '[\'a\' \'b\']'], ['After', '[[1]]'], ['After', '[\'a\', 1]'], ['Nice', 'int32 99999999999'], ['Nice', 'uint16 -1'], ['Nice', 'fancy 1'], ['X', 'rubbish'], ['TimeoutStopSec', 'true'], ['TimeoutStopSec', '-1'], ['XYZ', ''], ['A1b', '1'], ['toString', 'toString 1']] as const) {
    t.throws(() => found({ [name]: text }), { message: /^annotation org\.systemd\.property\.\w+/ }, `${name}=${text}`);
  }
});

test('where systemd listens: to root, to a user, and where somebody says', (t) => {
  const paths = (environment: Record<string, string>, isUser: boolean) => busAddresses(environment, isUser).map(({ path, isDirect }) => `${isDirect ? '!' : ''}${path}`);
  t.deepEqual(paths({}, false), ['!/run/systemd/private', '/run/dbus/system_bus_socket']);
  t.deepEqual(paths({ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/x', XDG_RUNTIME_DIR: '/r' }, false), ['!/run/systemd/private', '/run/dbus/system_bus_socket']);
  t.deepEqual(paths({ XDG_RUNTIME_DIR: '/run/user/5' }, true), ['/run/user/5/bus', '!/run/user/5/systemd/private']);
  t.deepEqual(paths({ DBUS_SESSION_BUS_ADDRESS: 'unix:guid=1,path=/a%20b,x=y;unix:abstract=/c;unix:path=/d', XDG_RUNTIME_DIR: '/r' }, true), ['/a b', '/d']);
  t.deepEqual(paths({ DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/a%2' }, false), []);
  t.deepEqual(paths({}, true), []);
});

/** systemd, with jobs that end as it is told. */
class FakeSystemd {
  readonly bus: FakeBus;
  #jobs = 0;

  constructor({ result = 'done', existing = 0, known = true }) {
    let left = existing;
    this.bus = new FakeBus(({ member }: Call): readonly Message[] => {
      if (member === 'StartTransientUnit' && left-- > 0) return [{ type: 'error', errorName: 'org.freedesktop.systemd1.UnitExists', signature: 's', body: ['Unit exists'] }];
      if (['StopUnit', 'ResetFailedUnit'].includes(member) && !known) return [{ type: 'error', errorName: 'org.freedesktop.systemd1.NoSuchUnit', signature: 's', body: ['Unit not loaded'] }];
      if (member === 'Get') return [{ type: 'return', signature: 'v', body: [{ signature: 's', value: '252.39-1~deb12u1' }] }];
      if (!['StartTransientUnit', 'StopUnit'].includes(member)) return [{ type: 'return' }];
      const job = `/job/${++this.#jobs}`;
      const removed = (of: string, sender: string, how: string): Message => ({ type: 'signal', member: 'JobRemoved', sender, signature: 'uoss', body: [1, of, 'x.scope', how] });
      // Of another job, and of somebody who is not systemd.
      return [removed('/job/0', ':1.1', 'failed'), removed(job, ':1.66', 'failed'), { type: 'return', signature: 'o', body: [job] }, removed(job, ':1.1', result)];
    });
  }

  manager(isDirect = true): UnitManager {
    return new UnitManager(new BusConnection(this.bus), isDirect);
  }

  get members(): string[] {
    return this.bus.calls.map(({ member }) => member);
  }
}

const properties: readonly UnitProperty[] = [{ name: 'PIDs', value: { signature: 'au', value: [7] } }];

test('a unit is started, once its job is done; on a bus after asking for signals', (t) => {
  const direct = new FakeSystemd({});
  direct.manager().start('x.scope', properties);
  t.deepEqual(direct.bus.calls.map(({ member, signature, body }) => [member, signature, body]), [['StartTransientUnit', 'ssa(sv)a(sa(sv))', ['x.scope', 'replace', [['PIDs', { signature: 'au', value: [7] }]], []]]]);
  const overBus = new FakeSystemd({});
  overBus.manager(false).start('x.scope', properties);
  t.deepEqual(overBus.members, ['Hello', 'AddMatch', 'Subscribe', 'StartTransientUnit']);
});

test('one that failed before is forgotten, once; another that is there is an error', (t) => {
  const failedBefore = new FakeSystemd({ existing: 1 });
  failedBefore.manager().start('x.scope', properties);
  t.deepEqual(failedBefore.members, ['StartTransientUnit', 'ResetFailedUnit', 'StartTransientUnit']);
  const another = new FakeSystemd({ existing: 9 });
  t.throws(() => { another.manager().start('x.scope', properties); }, { message: 'Unit exists' });
  t.deepEqual(another.members, ['StartTransientUnit', 'ResetFailedUnit', 'StartTransientUnit']);
});

test('a job that is not done is an error, and its unit is forgotten', (t) => {
  const systemd = new FakeSystemd({ result: 'failed' });
  t.throws(() => { systemd.manager().start('x.scope', properties); }, { message: /^error creating systemd unit x\.scope: failed/ });
  t.is(systemd.members.at(-1), 'ResetFailedUnit');
});

test('a unit is stopped and forgotten; one that is not there is no error', (t) => {
  for (const known of [true, false]) {
    const systemd = new FakeSystemd({ known });
    t.notThrows(() => { systemd.manager().stop('x.scope'); });
    t.deepEqual(systemd.members, ['StopUnit', 'ResetFailedUnit']);
  }
});

test('properties are set until the unit ends; the version and the place are systemd\'s own word', (t) => {
  const systemd = new FakeSystemd({});
  const manager = systemd.manager();
  manager.change('x.scope', []);
  manager.change('x.scope', properties);
  t.deepEqual(systemd.bus.calls.map(({ member, body }) => [member, body]), [['SetUnitProperties', ['x.scope', true, [['PIDs', { signature: 'au', value: [7] }]]]]]);
  t.is(manager.version, 252);
});
