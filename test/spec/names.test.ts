import test from 'ava';
import { capabilityNames, capabilityNumber, readCapability } from '../../src/spec/capabilities.js';
import { TsrunError } from '../../src/spec/errors.js';
import { checkContainerId, isContainerId, parseId } from '../../src/spec/ids.js';
import { readRlimit, rlimitNames, rlimitNumber } from '../../src/spec/rlimits.js';
import { parseSignal, readSignal, signalName } from '../../src/spec/signals.js';
import { parseSize, readSize } from '../../src/spec/size.js';

test('container ids', (t) => {
  for (const id of ['a', 'A9', '_x', '+1', 'web.1', 'a-b', 'run.1234', 'x'.repeat(128)]) t.true(isContainerId(id), id);
  const refused = ['', '.', '..', '../x', '.a', '-a', 'a/b', 'a b', 'a\n', 'a\0', 'é', 'a:b', 'a@b', 'x'.repeat(129), 1, null, undefined, ['a']];
  for (const id of refused) {
    t.false(isContainerId(id), String(id));
    t.throws(() => { checkContainerId(id); }, { instanceOf: TsrunError, code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  }
});

test('a numeric id is read only from plain decimal', (t) => {
  const read: [string, number][] = [['0', 0], ['1', 1], ['10', 10], ['1000', 1000], ['65534', 65534], ['65535', 65535], ['65536', 65536], ['4294967294', 4294967294]];
  for (const [text, id] of read) t.is(parseId(text), id);
  const names = [
    ...['', ' ', '01', '00', '000', '1:', ':1', '1:1', '+1', '-1', '-0', '+0', '1e3', '0e0', '4294967295', '4294967296', '9999999999'],
    ...['0x0', '0X1', '0b0', '0o0', ' 1', '1 ', ' 0', '0 ', '1\n', '0\n', '\n0', '0\0', '\x000', '1.0', '0.0', '.0', '0.', '1,000', '1_000'],
    ...['18446744073709551616', '4294967296000', '99999999999', 'root', 'user0', '0user', 'NaN', 'Infinity', 'null', 'false', '[]'],
    ...['٠', '０', '²', '½', '1\u200b', '\ufeff0', '0\r', '0\t', '--0', '0-', '0;', '0#', '~0', '$0', '0/0', '(0)', "'0'", '"0"'],
  ];
  for (const name of names) t.is(parseId(name), undefined, JSON.stringify(name));
});

test('only the text 0 is root', (t) => {
  for (let code = 0; code < 0x250; code++) {
    const character = String.fromCharCode(code);
    for (const text of [character, `0${character}`, `${character}0`]) t.is(parseId(text) === 0, text === '0', JSON.stringify(text));
  }
});

test('sizes', (t) => {
  const read: [string | number, number][] = [
    [0, 0], [1, 1], [2 ** 53 - 1, 2 ** 53 - 1], ['0', 0], ['512', 512], ['512b', 512], ['1 b', 1], ['1k', 1024], ['1K', 1024], ['1kb', 1024],
    ['1KiB', 1024], ['1ki', 1024], ['64m', 67108864], ['1.5g', 1610612736], ['1 GB', 1073741824], ['0.5t', 549755813888], ['1p', 2 ** 50],
    ['0.1k', 102], ['9007199254740991', 9007199254740991], ['007k', 7168],
  ];
  for (const [text, bytes] of read) t.is(parseSize(text), bytes, String(text));
  const refused = [
    ...['', ' ', 'm', '-1', '-1m', '+1', '1e3', '1.5', '1.5b', '.5g', '1.g', '1..5g', '1,5g', '0x10', '1x', '1mm', '1ib', '1i', '1m\n', ' 1m', '1m '],
    ...['1  m', '9007199254740992', '9007199254740993', '8p', '99999t', '1'.repeat(400), 'NaN', 'Infinity', '1\0', '１'],
    ...[-1, 1.5, NaN, Infinity, 2 ** 53, 1e300],
  ];
  for (const text of refused) {
    t.is(readSize(text), undefined, String(text));
    t.throws(() => parseSize(text), { instanceOf: TsrunError, code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  }
});

test('signals', (t) => {
  const read: [string | number, number][] = [
    ['SIGTERM', 15], ['TERM', 15], ['term', 15], ['sigterm', 15], ['15', 15], [15, 15], ['HUP', 1], ['SIGSYS', 31], ['IOT', 6], ['POLL', 29],
    ['RTMIN', 34], ['SIGRTMIN+0', 34], ['RTMIN+1', 35], ['RTMAX', 64], ['RTMAX-1', 63], ['SIGRTMIN+30', 64], ['64', 64], ['32', 32],
  ];
  for (const [text, number] of read) t.is(parseSignal(text), number, String(text));
  const refused = ['', '0', '65', '-1', '015', '1.0', '1e1', 'SIG', 'SIGSIGTERM', 'TERM ', 'RTMIN-1', 'RTMAX+1', 'RTMIN+31', 'RTMAX-31', 'RTMIN+', 'TERM\0'];
  for (const text of refused) t.is(readSignal(text), undefined, JSON.stringify(text));
  t.like(t.throws(() => parseSignal('SIGTRM')), { code: 'ERR_TSRUN_INVALID_ARGUMENT', hint: 'did you mean "SIGTERM"?' });
  for (let number = 1; number <= 64; number++) t.is(readSignal(signalName(number)), number);
  t.deepEqual([1, 9, 15, 31, 32, 34, 35, 64].map(signalName), ['SIGHUP', 'SIGKILL', 'SIGTERM', 'SIGSYS', '32', 'SIGRTMIN', 'SIGRTMIN+1', 'SIGRTMIN+30']);
});

test('capabilities', (t) => {
  t.is(capabilityNames.length, 41);
  const anchors = { CAP_CHOWN: 0, CAP_SETPCAP: 8, CAP_SYS_ADMIN: 21, CAP_SETFCAP: 31, CAP_PERFMON: 38, CAP_BPF: 39, CAP_CHECKPOINT_RESTORE: 40 };
  for (const [name, number] of Object.entries(anchors)) t.is(capabilityNumber(name), number);
  t.is(capabilityNumber('cap_chown'), undefined);
  for (const text of ['net_admin', 'NET_ADMIN', 'CAP_NET_ADMIN', 'cap_net_admin']) t.is(readCapability(text), 'CAP_NET_ADMIN');
  for (const text of ['', 'ALL', 'CAP_', 'CAP_CAP_CHOWN', 'constructor']) t.is(readCapability(text), undefined);
});

test('resource limits', (t) => {
  t.is(rlimitNames.length, 16);
  t.deepEqual(['RLIMIT_CPU', 'RLIMIT_CORE', 'RLIMIT_NOFILE', 'RLIMIT_RTTIME'].map(rlimitNumber), [0, 4, 7, 15]);
  t.is(readRlimit('nofile'), 'RLIMIT_NOFILE');
  for (const text of ['NOFILE', 'RLIMIT_NOFILE', '', 'constructor']) t.is(readRlimit(text), undefined);
});
