// D-Bus as far as it is spoken: values against bytes of systemd's own client, calls, errors and signals against a bus in this process.
import test from 'ava';
import fc from 'fast-check';
import { BusConnection, BusError } from '../../../src/oci-cli/systemd/dbus-connection.js';
import { BusReader, BusWriter, typesOf, type BusValue } from '../../../src/oci-cli/systemd/dbus-values.js';
import { FakeBus } from '../../support/fake-bus.js';

const object = { destination: 'a.b', path: '/a/b', interface: 'a.b.C' };

function bytesOf(signature: string, values: readonly BusValue[]): Uint8Array {
  const writer = new BusWriter();
  writer.writeAll(signature, values);
  return writer.bytes;
}

/** What busctl 252 sent as the body of: busctl call … StartTransientUnit 'ssa(sv)a(sa(sv))' tsrun-ü.scope replace 7 PIDs au 2 4711 4712 … */
const sentByBusctl = '0e000000747372756e2dc3bc2e73636f70650000070000007265706c61636500d2000000000000000400000050494473000261750000000008000000671200006812000000000000' +
  '0800000044656c6567617465000162000100000000000000090000004d656d6f72794d61780001740000000000000000ffffffffffffffff0b000000416c6c6f7765644350557300026179000200000003' +
  '8000000000000005000000526174696f00016400000000000000000000f83f040000004e69636500016900fdffffff050000004166746572000261730000001e00000009000000612e736572766963650000' +
  '0009000000622e7365727669636500000000000000';
const signature = 'ssa(sv)a(sa(sv))';
const body: readonly BusValue[] = ['tsrun-ü.scope', 'replace', [
  ['PIDs', { signature: 'au', value: [4711, 4712] }],
  ['Delegate', { signature: 'b', value: true }],
  ['MemoryMax', { signature: 't', value: 2n ** 64n - 1n }],
  ['AllowedCPUs', { signature: 'ay', value: [3, 128] }],
  ['Ratio', { signature: 'd', value: 1.5 }],
  ['Nice', { signature: 'i', value: -3 }],
  ['After', { signature: 'as', value: ['a.service', 'b.service'] }],
], []];

test('values become the bytes that systemd\'s own client sends, and are read from them', (t) => {
  t.is(Buffer.from(bytesOf(signature, body)).toString('hex'), sentByBusctl);
  t.deepEqual(new BusReader(Buffer.from(sentByBusctl, 'hex')).readAll(signature), [...body]);
});

test('what is written is what is read', (t) => {
  const kinds: readonly (readonly [string, fc.Arbitrary<BusValue>])[] = [
    ['y', fc.nat(255)], ['b', fc.boolean()], ['n', fc.integer({ min: -32768, max: 32767 })], ['q', fc.nat(65535)], ['i', fc.integer()], ['u', fc.nat()],
    ['x', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })], ['t', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })], ['d', fc.double({ noNaN: true })],
    ['s', fc.string({ unit: 'grapheme' })], ['a{sv}', fc.array(fc.tuple(fc.string(), fc.string().map((value) => ({ signature: 's', value }))))], ['a(yt)', fc.array(fc.tuple(fc.nat(255), fc.bigInt({ min: 0n, max: 9n })))],
  ];
  for (const [type, arbitrary] of kinds) {
    fc.assert(fc.property(fc.nat(255), arbitrary, (first, value) => {
      t.deepEqual(new BusReader(bytesOf(`y${type}`, [first, value])).readAll(`y${type}`), [first, value], type);
    }), { numRuns: 50 });
  }
});

test('signatures are parted; what is none is refused', (t) => {
  t.deepEqual(typesOf('sa{sa(iv)}aau(yy)g'), ['s', 'a{sa(iv)}', 'aau', '(yy)', 'g']);
  for (const wrong of ['a', '(s', 'z', '()', 'a()', '(s}']) t.throws(() => typesOf(wrong), { message: /D-Bus/ }, wrong);
});

test('bytes that are cut off or say too much are refused', (t) => {
  const whole = Buffer.from(sentByBusctl, 'hex');
  for (let size = 0; size < whole.length; size += 7) t.throws(() => new BusReader(whole.subarray(0, size)).readAll(signature), { message: /shorter than it says/ });
  t.throws(() => new BusReader(Buffer.from('ffffffff61', 'hex')).read('s'), { message: /shorter/ });
  t.throws(() => new BusReader(Buffer.from('02737300', 'hex')).read('v'), { message: /not of one type/ });
});

test('a call is answered, in whatever pieces, past signals and answers to others', (t) => {
  for (const pieceBytes of [1, 7, 4096]) {
    const bus = new FakeBus(({ serial }) => [{ type: 'signal', member: 'Other' }, { type: 'return', signature: 'su', body: [`answer ${serial}`, 5] }], { pieceBytes });
    const connection = new BusConnection(bus);
    t.deepEqual(connection.call(object, 'One', 's', ['x']).body, ['answer 1', 5]);
    t.deepEqual(connection.call(object, 'Two').body, ['answer 2', 5]);
    t.deepEqual(bus.calls.map(({ member, signature: of, body: values }) => [member, of, values]), [['One', 's', ['x']], ['Two', '', []]]);
    t.is(connection.awaitSignal(({ member }) => member === 'Other').sender, ':1.1');
  }
});

test('an error is thrown by its name', (t) => {
  const connection = new BusConnection(new FakeBus(() => [{ type: 'error', errorName: 'org.x.Wrong', signature: 's', body: ['it is wrong'] }]));
  const error = t.throws(() => connection.call(object, 'One'), { instanceOf: BusError, message: 'it is wrong' });
  t.is(error.errorName, 'org.x.Wrong');
  t.throws(() => new BusConnection(new FakeBus(() => [{ type: 'error', errorName: 'org.x.Wrong' }])).call(object, 'One'), { message: 'org.x.Wrong' });
});

test('a bus that lets nobody in, hangs up, or says what is none of D-Bus is one word', (t) => {
  t.throws(() => new BusConnection(new FakeBus(() => [], { welcome: 'REJECTED EXTERNAL\r\nERROR\r\n' })), { message: /does not let us in: .*REJECTED/ });
  t.throws(() => new BusConnection(new FakeBus(() => [], { welcome: '' })), { message: /hung up/ });
  t.throws(() => new BusConnection(new FakeBus(() => [], { welcome: 'x'.repeat(20_000) })), { message: /no line/ });
  t.throws(() => new BusConnection(new FakeBus(() => [])).call(object, 'One'), { message: /hung up/ });
  for (const [bytes, message] of [['B0', /byte order/], ['l\x02\0\x02', /version/]] as const) {
    const bus = new FakeBus(() => []);
    const connection = new BusConnection(bus);
    bus.say(Buffer.from(bytes.padEnd(16, '\0'), 'latin1'));
    t.throws(() => connection.call(object, 'One'), { message });
  }
  const endless = new FakeBus(() => []);
  const connection = new BusConnection(endless);
  endless.say(Buffer.from('6c020001ffffff7f0100000000000000', 'hex'));
  t.throws(() => connection.call(object, 'One'), { message: /too long/ });
});
