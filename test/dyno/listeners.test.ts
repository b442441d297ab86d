import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { badBind, badBindLine, isBound, isLoopbackAddress, parseListeners, readListeners, type Listener } from '../../src/dyno/listeners.js';

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const line = (local: string, state = '0A') => `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0000000000000000 100 0 0 10 0\n`;
const nowhere = '00000000000000000000000000000000';

test('listeners of proc(5), of both families', (t) => {
  t.deepEqual(parseListeners(head + line('00000000:1388') + line('0100007F:0016') + line('00000000:1389', '01')), [
    { port: 5000, isLoopback: false, inode: '12345' },
    { port: 22, isLoopback: true, inode: '12345' },
  ]);
  t.deepEqual(parseListeners(head + line(`${nowhere}:1388`) + line('00000000000000000000000001000000:1389') + line('0000000000000000FFFF00000100007F:138A') + line('0000000000000000FFFF00000100000A:138B')), [
    { port: 5000, isLoopback: false, inode: '12345' },
    { port: 5001, isLoopback: true, inode: '12345' },
    { port: 5002, isLoopback: true, inode: '12345' },
    { port: 5003, isLoopback: false, inode: '12345' },
  ]);
  for (const text of ['', head, `${head}nonsense\n\n`]) t.deepEqual(parseListeners(text), []);
});

test('addresses as the kernel gives them', (t) => {
  const of = (hex: string) => isLoopbackAddress(Buffer.from(hex, 'hex'));
  for (const address of ['7f000001', '7f020304', '00000000000000000000000000000001', '00000000000000000000ffff7f000001']) t.true(of(address), address);
  for (const address of ['00000000', '0a00007f', '00000000000000000000000000000000', '00000000000000000000ffff0a000001', 'fe800000000000000000000000000001', '7f000000000000000000000000000001']) t.false(of(address), address);
});

test('what this process listens on', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  t.deepEqual((await readListeners(process.pid)).filter((each) => each.port === port).map(({ isLoopback }) => isLoopback), [true]);
  server.close();
  t.deepEqual(await readListeners(2 ** 30), [], 'no such process');
});

test('B1: a wrong port, and loopback only, are told apart', (t) => {
  const wrong = [{ port: 32_970, isLoopback: false }];
  const lineOf = (listeners: readonly Listener[]) => {
    const found = badBind(listeners, 13_527);
    return found === undefined ? undefined : badBindLine(found);
  };
  t.is(lineOf(wrong), 'Error R11 (Bad bind) -> Process bound to port 32970, should be 13527 (see environment variable PORT)');
  const alone = [...wrong, { port: 13_527, isLoopback: true }];
  t.is(lineOf(alone), 'Error R11 (Bad bind) -> Process bound to port 13527 on the loopback address only, should be 0.0.0.0 or [::]');
  t.is(lineOf([]), undefined);
  t.is(lineOf([...alone, { port: 13_527, isLoopback: false }]), undefined, 'it is bound');
  t.deepEqual(badBind([{ port: 9229, isLoopback: true }, ...wrong], 13_527), { port: 32_970, isLoopback: false, wantedPort: 13_527 }, 'what others reach says more');
  t.is(badBind([{ port: 9229, isLoopback: true }], 13_527)?.port, 9229);
  t.false(isBound(alone, 13_527));
  t.true(isBound(wrong, 32_970));
});
