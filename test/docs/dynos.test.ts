// The program of docs/dynos.md: run as a reader would, and looked at from outside.
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { Formation, FormationClient, restartPolicies, Runtime } from '../../src/index.js';
import { killOwner, startOwner } from '../support/formation-owner.js';
import { fixture, patience } from '../support/lab.js';
import { freePort } from '../support/free-port.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { blocksOf, checkout, compile, makeProject } from './examples.js';
import { RunningProgram } from './running-program.js';

const project = makeProject();
test.after.always(() => {
  rmSync(project, { recursive: true });
});

const [program = '', checked = '', next = ''] = blocksOf('docs/dynos.md').filter(({ language }) => language === 'ts').map(({ text: source }) => source);

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

needs('root', 'userns', 'overlay')('the program that takes over an app has its dynos, and leaves them when it is told to end', async (t) => {
  t.timeout(60_000 * patience);
  await using running = new RunningProgram(compile(project, 'dynos', program), [fixture('busybox'), String(await freePort())]);
  await running.says(/app\[worker\.1\]/);
  const { stateRoot } = running;
  const errand = { stateRoot, imageRoot: join(stateRoot, 'images'), image: fixture('busybox'), name: 'my-app', options: { processTypes: { job: { command: 'sleep 1000' } }, quantities: { job: 1 } } };
  const { owner, pids } = await startOwner(errand);
  await killOwner(owner);
  await using adopting = new RunningProgram(compile(project, 'adopting', next), ['my-app'], { env: { TSRUN_ROOT: stateRoot } });
  const client = new FormationClient('my-app', { root: stateRoot });
  await until(async () => client.dynos().then((dynos) => dynos.length === 1, () => false), 'the owner');
  t.deepEqual((await client.dynos()).map(({ name, state, pid }) => [name, state, pid]), [['job.1', 'up', pids['job.1']]]);
  t.deepEqual(await adopting.end('SIGTERM'), { code: 0, signal: null }, adopting.output);
  t.true(existsSync(`/proc/${pids['job.1'] ?? 0}/exe`));
  await using runtime = await Runtime.open({ root: stateRoot });
  await (await Formation.adopt(runtime, 'my-app')).stop();
  await running.end('SIGTERM');
});

test('the table of restart policies names all that there are', (t) => {
  const rows = readFileSync(join(checkout, 'docs/dynos.md'), 'utf8').split('| policy |')[1]?.split('\n\n')[0]?.matchAll(/^\| `(\w+)` \|/gm) ?? [];
  t.deepEqual([...rows].map(([, name]) => name).sort(), Object.keys(restartPolicies).sort());
});
