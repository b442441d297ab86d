// The program of docs/dynos.md: run as a reader would, and looked at from outside.
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { restartPolicies } from '../../src/index.js';
import { fixture, patience } from '../support/lab.js';
import { freePort } from '../support/free-port.js';
import { needs } from '../support/needs.js';
import { blocksOf, checkout, compile, makeProject } from './examples.js';
import { RunningProgram } from './running-program.js';

const project = makeProject();
test.after.always(() => {
  rmSync(project, { recursive: true });
});

const [program = '', checked = ''] = blocksOf('docs/dynos.md').filter(({ language }) => language === 'ts').map(({ text: source }) => source);

needs('root', 'userns', 'overlay')('the program runs three dynos, passes connections on to those that are up, and ends in order', async (t) => {
  t.timeout(60_000 * patience);
  const port = await freePort();
  await using running = new RunningProgram(compile(project, 'dynos', program), [fixture('busybox'), String(port)]);
  for (const line of [/web\.1\]: State changed from starting to up/, /web\.2\]: State changed from starting to up/, /app\[worker\.1\]: worker\.1 works/]) await running.says(line);
  t.is(running.containers().length, 3);
  for (let round = 0; round < 4; round++) {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.end('GET / HTTP/1.0\r\n\r\n');
    t.regex(await text(socket), /^HTTP\/1\.1 404 /);
  }
  t.deepEqual(await running.end('SIGTERM'), { code: 0, signal: null }, running.output);
  for (const dyno of ['web.1', 'web.2', 'worker.1']) t.true(running.output.includes(`heroku[${dyno}]: State changed from up to down`), dyno);
});

needs('root', 'userns', 'overlay')('the program with health checks goes on when its dyno is well', async (t) => {
  t.timeout(60_000 * patience);
  await using running = new RunningProgram(compile(project, 'health', checked), [fixture('busybox')]);
  t.deepEqual(await running.ended, { code: 0, signal: null }, running.output);
  t.regex(running.output, /^web\.1 startup http \/health healthy\n/);
  t.true(running.output.includes('web.1 readiness tcp healthy\n'));
});

test('the table of restart policies names all that there are', (t) => {
  const rows = readFileSync(join(checkout, 'docs/dynos.md'), 'utf8').split('| policy |')[1]?.split('\n\n')[0]?.matchAll(/^\| `(\w+)` \|/gm) ?? [];
  t.deepEqual([...rows].map(([, name]) => name).sort(), Object.keys(restartPolicies).sort());
});
