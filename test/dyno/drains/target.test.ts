import test from 'ava';
import { parseDrainUrl } from '../../../src/dyno/drains/target.js';
import { TsrunError } from '../../../src/spec/errors.js';

test('https: credentials become a header, settings stand behind "#", the rest is as it was', (t) => {
  const { target, settings } = parseDrainUrl('https://us%40er:p%3Ass@logs.example.com:8443/path?key=1#token=d.1&buffer=1m&block=yes&ca=/etc/ca.pem');
  if (target.kind !== 'http') throw new Error(target.kind);
  t.is(target.url.href, 'https://logs.example.com:8443/path?key=1');
  t.is(target.authorization, `Basic ${Buffer.from('us@er:p:ss').toString('base64')}`);
  t.is(target.name, 'https://logs.example.com:8443/');
  t.deepEqual(settings, { token: 'd.1', bufferBytes: 1024 ** 2, blocks: true, caFile: '/etc/ca.pem' });
});

test('plain http goes to this machine alone, or where somebody says so', (t) => {
  for (const url of ['http://localhost:1/', 'http://127.0.0.1:1/', 'http://[::1]/', 'http://logs.example.com/#plaintext=yes']) t.is(parseDrainUrl(url).target.kind, 'http');
  for (const url of ['http://logs.example.com/', 'http://logs.example.com/#plaintext=no', 'http://127.0.0.1.example.com/']) t.throws(() => parseDrainUrl(url), { message: /plain text/ });
});

test('syslog over TCP, TLS and UDP', (t) => {
  const rows: [url: string, transport: string, host: string, port: number, framing: string, name: string][] = [
    ['syslog://logs.example.com', 'tcp', 'logs.example.com', 514, 'octets', 'syslog://logs.example.com:514/'],
    ['syslog+tcp://logs.example.com:601?framing=lf', 'tcp', 'logs.example.com', 601, 'lf', 'syslog+tcp://logs.example.com:601/'],
    ['syslog+tls://[::1]/', 'tls', '::1', 6514, 'octets', 'syslog+tls://[::1]:6514/'],
    ['syslog+udp://127.0.0.1:5514', 'udp', '127.0.0.1', 5514, 'octets', 'syslog+udp://127.0.0.1:5514/'],
  ];
  for (const [url, transport, host, port, framing, name] of rows) t.deepEqual(parseDrainUrl(url).target, { kind: 'syslog', transport, host, port, framing, name } as never, url);
});

test('files and the journal', (t) => {
  t.deepEqual(parseDrainUrl('file:///var/log/my%20app.log?max=1m&keep=2&form=json').target, { kind: 'file', path: '/var/log/my app.log', mostBytes: 1024 ** 2, keep: 2, form: 'json', name: 'file:///var/log/my%20app.log' });
  t.deepEqual(parseDrainUrl('file:/a').target, { kind: 'file', path: '/a', mostBytes: 10 * 1024 ** 2, keep: 5, form: 'text', name: 'file:///a' });
  t.deepEqual(parseDrainUrl('journald:').target, { kind: 'journal', path: '/run/systemd/journal/socket', name: 'journald:' });
  t.deepEqual(parseDrainUrl('journald:/tmp/socket').target, { kind: 'journal', path: '/tmp/socket', name: 'journald:' });
});

test('what no drain is, is refused without a word of its password', (t) => {
  for (const [url, message] of [
    ['logs.example.com', /URL of a drain/],
    ['htps://u:geheim@h/', /no drain goes over "htps"/],
    ['https://u:geheim@h/#tokn=1', /unknown setting "tokn"/],
    ['https://u:geheim@h/#token=geheim%20', /token has a value/],
    ['https://u:geheim@h/#buffer=1', /buffer is no size/],
    ['https://u:geheim@h/#token=a&token=b', /twice/],
    ['http://u:geheim@h/', /plain text/],
    ['syslog://u:geheim@h/', /a host and a port/],
    ['syslog://h/path', /a host and a port/],
    ['syslog:h', /a host and a port/],
    ['syslog://h?framing=crlf', /framing is "crlf"/],
    ['syslog+udp://h?framing=lf', /unknown setting/],
    ['syslog://h#framing=lf', /"#"/],
    ['file://host/a', /absolute path/],
    ['file:///a/', /absolute path/],
    ['file:///a%00', /absolute path/],
    ['file:///a?keep=-1', /keep/],
    ['file:///a?form=xml', /form is "xml"/],
  ] as const) {
    const error = t.throws(() => parseDrainUrl(url), { instanceOf: TsrunError, message, code: 'ERR_TSRUN_INVALID_ARGUMENT' }, url);
    t.notRegex(`${error.message} ${error.hint ?? ''}`, /geheim/);
  }
});
