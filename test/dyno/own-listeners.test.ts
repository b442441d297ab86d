import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { readOwnListeners } from '../../src/dyno/own-listeners.js';

const script = "const server = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log(server.address().port))";

test('what a process and those below it listen on, and nothing of the others of the same network', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const own = typeof address === 'object' ? address?.port : undefined;
  // Between the two is another process.
  const child = spawn('sh', ['-c', '"$0" -e "$1"; true', process.execPath, script], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  try {
    const told: unknown[] = await once(child.stdout, 'data');
    const port = Number(String(told[0]));
    const of = async (pid = 0) => (await readOwnListeners(pid)).map((each) => each.port);
    t.deepEqual(await of(child.pid), [port]);
    const all = await of(process.pid);
    t.true(own !== undefined && all.includes(own) && all.includes(port));
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    server.close();
  }
  t.deepEqual(await readOwnListeners(2 ** 30), [], 'no such process');
});
