import test from 'ava';
import { parsePublish } from '../../../src/index.js';

test('ports are written as docker has them, and bound to loopback unless an address is named', (t) => {
  const rows = new Map([
    ['8080:5000', { port: 8080, innerPort: 5000 }],
    ['8080:5000/tcp', { port: 8080, innerPort: 5000 }],
    ['5000', { port: 0, innerPort: 5000 }],
    ['127.0.0.1:8080:5000', { host: '127.0.0.1', port: 8080, innerPort: 5000 }],
    ['0.0.0.0::5000', { host: '0.0.0.0', port: 0, innerPort: 5000 }],
    ['[::1]:8080:5000', { host: '::1', port: 8080, innerPort: 5000 }],
    ['[::]:5000', { host: '::', port: 0, innerPort: 5000 }],
    ['0:65535', { port: 0, innerPort: 65_535 }],
  ]);
  for (const [text, expected] of rows) t.deepEqual(parsePublish(text), expected, text);
});

test('what is no port, no address or no TCP is refused', (t) => {
  for (const text of ['', ':', 'a', '8080:', '8080:0', '65536:1', '1:65536', '1-2:3-4', 'localhost:1:2', '1.2.3:1:2', ':1:2', '[]:1:2', '[1.2.3.4]:1:2', '::1:1:2', '1:2:3', '[::1%lo]:1:2', '1:2:3:4', ' 1:2', '-1:2', '1e3']) {
    t.throws(() => parsePublish(text), { code: 'ERR_TSRUN_INVALID_ARGUMENT' }, text);
  }
  t.throws(() => parsePublish('53:53/udp'), { code: 'ERR_TSRUN_UNSUPPORTED', message: '"53:53/udp": connections are TCP' });
});
