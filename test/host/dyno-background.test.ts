// Apps in the background: tsrun up --detach, and the commands that reach its agent from another shell, also when it was killed.
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:net';
import { CliLab, said } from '../support/cli-lab.js';
import { agentsOf, processesOf } from '../support/leaks.js';
import { makeImage } from '../support/images.js';
import { makeSlug, makeStack } from '../support/slug.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new CliLab();
const rooted = needs('root');
let procfiles = 0;

const app = "web: echo serving; exec httpd -f -p $PORT\ncount: n=0; trap 'exit 0' TERM; while :; do n=$((n+1)); echo line $n; sleep 0.02; done\n";

async function up(formation: string, procfile = app): Promise<string> {
  const path = join(lab.scratch, `Procfile-background-${procfiles++}`);
  writeFileSync(path, procfile);
  const name = lab.newId();
  const { code, stdout, stderr } = await lab.tsrun(['up', '-d', '--name', name, '--formation', formation, '--restart', 'docker', '-f', path, lab.image]);
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}

async function killAgent(name: string): Promise<void> {
  const [pid = 0] = agentsOf(name);
  process.kill(pid, 'SIGKILL');
  await until(() => !existsSync(`/proc/${pid}/exe`), 'the end of the agent');
}

interface Row {
  readonly name: string;
  readonly type: string;
  readonly number: number;
  readonly container?: string;
  readonly restarts: number;
  readonly state: string;
  readonly pid?: number;
  readonly lastDeath?: { readonly code: number };
}

async function rowsOf(name: string): Promise<readonly Row[]> {
  const { code, stdout, stderr } = await lab.tsrun(['ps', '--app', name, '--json']);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Row[];
}

const isUp = async (name: string) => (await rowsOf(name)).every(({ state }) => state === 'up');
const numbersIn = (text: string) => [...text.matchAll(/app\[count\.1\]: line (\d+)$/gm)].map(([, number]) => Number(number));
const isCount = (numbers: readonly number[]) => numbers.length > 0 && numbers.every((number, index) => number === (numbers[0] ?? 0) + index);

rooted('an app in the background: ps, logs, scale, restart and stop reach it from another shell', async (t) => {
  const name = await up('web=1,count=1');
  await until(async () => isUp(name), 'both dynos');
  const before = await rowsOf(name);
  t.deepEqual(before.map((row) => row.name), ['count.1', 'web.1']);
  t.regex((await lab.tsrun(['ps', '--app', name])).stdout, /^DYNO +STATUS +PID +COMMAND\ncount\.1 +up .*\nweb\.1 +up .*\n$/);
  t.is((await lab.tsrun(['ps', '-q', '--app', name])).stdout, 'count.1\nweb.1\n');
  t.is((await lab.tsrun(['scale', 'web=3', 'count=1'])).stdout, 'count=1 web=3\n');
  await until(async () => (await rowsOf(name)).length === 4 && (await isUp(name)), 'three web dynos');
  t.is((await lab.tsrun(['scale', 'web=1', '-a', name])).stdout, 'count=1 web=1\n');
  t.is((await lab.tsrun(['restart', 'web.1'])).stdout, 'web.1\n');
  await until(async () => isUp(name), 'the restart');
  const after = await rowsOf(name);
  t.not(after[1]?.pid, before[1]?.pid);
  t.is(after[0]?.pid, before[0]?.pid);
  t.is(after[1]?.lastDeath?.code, 143);
  t.deepEqual(after.map(({ type, number, container, restarts }) => [type, number, container, restarts]), [['count', 1, `${name}.count.1`, 0], ['web', 1, `${name}.web.1`, 1]]);
  const { stdout } = await lab.tsrun(['logs', '--dyno', 'web']);
  t.true(stdout.includes('heroku[web.1]: Stopping all processes with SIGTERM') && !stdout.includes('count.1'));
  t.is((await lab.tsrun(['logs', '-n', '2', '-d', 'count.1'])).stdout.split('\n').length, 3);
  t.is((await lab.tsrun(['logs', '--since', '2099-01-01'])).stdout, '');
  t.is((await lab.tsrun(['stop'])).stdout, `${name}\n`);
  t.deepEqual([...processesOf(name), ...agentsOf(name), ...readdirSync(join(lab.stateRoot, 'formations'))], []);
});

rooted('the agent is killed: dynos live on, the next command starts another agent, and logs --follow misses nothing', async (t) => {
  const name = await up('count=1');
  await until(async () => isUp(name), 'the dyno');
  const [before] = await rowsOf(name);
  const follower = lab.spawn(['logs', '-f', '-a', name]);
  const followed = said(follower);
  let heard = '';
  follower.stdout?.on('data', (text: string) => {
    heard += text;
  });
  await until(() => numbersIn(heard).length > 20, 'the log');
  await killAgent(name);
  t.true(existsSync(`/proc/${before?.pid ?? 0}/exe`));
  const [after] = await rowsOf(name);
  t.is(after?.pid, before?.pid);
  // Both commands may have started one, of which the second sees that the app has its agent.
  await until(() => agentsOf(name).length === 1, 'one agent');
  const count = numbersIn(heard).length;
  await until(() => numbersIn(heard).length > count + 50, 'what comes after');
  const { stdout } = await lab.tsrun(['logs', '-a', name]);
  t.is(numbersIn(stdout)[0], 1);
  t.true(isCount(numbersIn(stdout)));
  t.is((await lab.tsrun(['stop', '-a', name])).code, 0);
  const { code, stdout: all } = await followed;
  t.is(code, 0);
  t.true(isCount(numbersIn(all)) && numbersIn(all)[0] === 1, all);
  t.is(all.match(/State changed from starting to up/g)?.length, 1);
});

rooted('an agent that is asked to end leaves the dynos; two agents do not own one app', async (t) => {
  const name = await up('count=1');
  const [before] = await rowsOf(name);
  const second = await lab.tsrun(['agent', '--app', name]);
  t.is(second.code, 1);
  t.regex(second.stderr, /belongs to another process.*\nhint: /);
  const [pid = 0] = agentsOf(name);
  process.kill(pid, 'SIGTERM');
  await until(() => !existsSync(`/proc/${pid}/exe`), 'the end of the agent');
  t.deepEqual((await rowsOf(name)).map((row) => row.pid), [before?.pid]);
  await lab.tsrun(['stop', '-a', name]);
});

rooted('its socket is its user\'s alone, and takes nothing that is no request', async (t) => {
  const name = await up('count=1');
  const folder = join(lab.stateRoot, 'formations', name);
  t.deepEqual([statSync(folder).mode & 0o777, statSync(join(folder, 'agent')).mode & 0o777, statSync(join(folder, 'formation.json')).mode & 0o777], [0o700, 0o600, 0o600]);
  for (const line of ['nonsense', '{"op":"scale"}', `{"op":"dynos","x":"${'y'.repeat(1000)}"}`]) {
    const socket = connect(join(folder, 'agent'));
    let answer = '';
    socket.on('data', (piece: Buffer) => {
      answer += String(piece);
    });
    socket.write(`${line}\n`);
    await new Promise((resolve) => socket.once('close', resolve));
    t.regex(answer, /^\{"error":\{"code":"ERR_TSRUN_INVALID_ARGUMENT"/);
  }
  t.is((await rowsOf(name)).length, 1);
  await lab.tsrun(['stop', '-a', name]);
});

rooted('restart --stack: what a slug runs on is swapped, and the next agent goes on with it; what does not boot takes all back', async (t) => {
  const name = lab.newId();
  const [one, two, broken] = [makeStack(lab, 'one'), makeStack(lab, 'two'), makeImage(lab, { files: {} })];
  const slug = makeSlug(lab.scratch, { Procfile: 'clock: echo "on $(cat /etc/stack)"; exec tick\nweb: exec serve\n' });
  const started = await lab.tsrun(['up', '-d', '--name', name, '--formation', 'web=1,clock=1', '--stack', one, slug]);
  t.is(started.code, 0, started.stderr);
  await until(async () => isUp(name), 'both dynos');
  const clockOn = async (stack: string) => (await lab.tsrun(['logs', '-a', name])).stdout.split(`app[clock.1]: on ${stack}\n`).length - 1;
  t.deepEqual(await lab.tsrun(['restart', '--stack', two, '-a', name]), { code: 0, signal: null, stdout: 'clock.1\nweb.1\n', stderr: '' });
  t.deepEqual([await clockOn('one'), await clockOn('two')], [1, 1]);
  await killAgent(name);
  await lab.tsrun(['restart', 'clock', '-a', name]);
  await until(async () => (await clockOn('two')) === 2, 'the clock once more');
  const refused = await lab.tsrun(['restart', '--stack', broken, '-a', name]);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /the new clock\.1 did not come up, it is crashed\nhint: /);
  await until(async () => (await clockOn('two')) === 3, 'the clock as it was');
  t.regex((await lab.tsrun(['restart', 'web.1', '--stack', two, '-a', name])).stderr, /--image and --stack are about all dynos/);
  t.is((await lab.tsrun(['stop', '-a', name])).code, 0);
});

rooted('restart --preboot and --rolling: the new dyno is up before the old one is asked to end, and one follows the other', async (t) => {
  const name = await up('web=2');
  await until(async () => isUp(name), 'both dynos');
  const containers = async () => (await rowsOf(name)).map(({ container }) => container);
  const eventsOf = async () => [...(await lab.tsrun(['logs', '-a', name])).stdout.matchAll(/heroku\[(web\.\d)\]: (?:State changed from starting to (?=up)|(?=Stopping all))(\w+)/g)].map(([, dyno = '', word = '']) => `${dyno} ${word}`);
  t.is((await lab.tsrun(['restart', '--preboot', '--rolling', '-a', name])).stdout, 'web.1\nweb.2\n');
  t.deepEqual(await containers(), [`${name}.web.1-b`, `${name}.web.2-b`]);
  t.deepEqual((await eventsOf()).slice(2), ['web.1 up', 'web.1 Stopping', 'web.2 up', 'web.2 Stopping']);
  t.is((await lab.tsrun(['restart', '--rolling', '-a', name])).code, 0);
  t.deepEqual(await containers(), [`${name}.web.1-b`, `${name}.web.2-b`], 'without preboot each ends first');
  t.deepEqual((await eventsOf()).slice(6), ['web.1 Stopping', 'web.1 up', 'web.2 Stopping', 'web.2 up']);
  t.is((await lab.tsrun(['restart', 'web.2', '--preboot', '-a', name])).code, 0);
  t.deepEqual(await containers(), [`${name}.web.1-b`, `${name}.web.2`]);
  t.is((await lab.tsrun(['stop', '-a', name])).code, 0);
});

rooted('restart --image: all dynos are of another image, and so are those of the next agent', async (t) => {
  const name = lab.newId();
  const stack = makeStack(lab, 'any');
  const [one, two] = ['one', 'two'].map((version) => makeSlug(lab.scratch, { Procfile: `clock: echo version ${version}; exec tick\nweb: echo version ${version}; exec serve\n` }));
  t.is((await lab.tsrun(['up', '-d', '--name', name, '--formation', 'web=1,clock=1', '--stack', stack, one ?? ''])).code, 0);
  await until(async () => isUp(name), 'both dynos');
  t.deepEqual(await lab.tsrun(['restart', '--image', two ?? '', '--preboot', '-a', name]), { code: 0, signal: null, stdout: 'clock.1\nweb.1\n', stderr: '' });
  const versions = async () => [...(await lab.tsrun(['logs', '-a', name])).stdout.matchAll(/app\[(\S+)\]: version (\w+)$/gm)].map(([, dyno = '', version = '']) => `${dyno} ${version}`);
  t.deepEqual((await versions()).slice(2), ['clock.1 two', 'web.1 two']);
  t.deepEqual((await rowsOf(name)).map(({ container }) => container), [`${name}.clock.1-b`, `${name}.web.1-b`], 'each was up before the old one ended');
  await killAgent(name);
  t.is((await lab.tsrun(['restart', 'clock.1', '-a', name])).code, 0);
  await until(async () => (await versions()).at(-1) === 'clock.1 two' && (await versions()).length === 5, 'the clock once more');
  t.is((await lab.tsrun(['stop', '-a', name])).code, 0);
});

rooted('errors say what to do', async (t) => {
  const told = async (words: readonly string[], code: number, says: RegExp) => {
    const ended = await lab.tsrun(words);
    t.is(ended.code, code, ended.stderr);
    t.regex(ended.stderr, says);
  };
  await told(['logs'], 125, /no container given, and no app runs in the background\nhint: /);
  await told(['ps', '--app', 'none'], 1, /there is no app "none" in the background\nhint: tsrun up --detach/);
  const [one, two] = [await up('count=1'), await up('count=1')];
  await told(['stop'], 125, /2 apps run in the background\nhint: say which one with --app: /);
  await told(['scale', 'wbe=1', '-a', one], 125, /there is no process type .wbe./);
  await told(['restart', '--image', lab.image, '--rolling=false', '-a', one], 125, /--image and --stack take one dyno after the other\nhint: /);
  await told(['restart', 'web.7', '-a', one], 1, /there is no dyno .web\.7.\nhint: there are count\.1/);
  await told(['stop', '-a', one, 'container'], 1, /there is no one-off dyno .container./);
  await told(['logs', '-a', one, 'container'], 125, /a container is named, and an app/);
  await told(['stop', '-a', one, '-t', '5'], 125, /how dynos are asked to end/);
  await told(['up', '-d', '--name', one, '--formation', 'web=1', lab.image], 1, /there is a formation .* already\nhint: /);
  for (const name of [one, two]) await lab.tsrun(['stop', '-a', name]);
});

lab.declareLeakTest();
