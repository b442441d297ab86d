// tsrun run --app: one-off dynos of an app in the background, from another shell; attach, ps and stop of them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliLab, said } from '../support/cli-lab.js';
import { agentsOf, launchersOf } from '../support/leaks.js';
import { inLongForm, needs } from '../support/needs.js';

const lab = new CliLab();
const rooted = needs('root');
const seated = needs('root', 'command:python3');

async function up(): Promise<string> {
  const path = join(lab.imageRoot, 'Procfile-one-off');
  writeFileSync(path, "job: exec sleep 1000\ntask: echo task\n");
  const name = lab.newId();
  const { code, stderr } = await lab.tsrun(['up', '-d', '--name', name, '--formation', 'job=1', '--env', 'GREETING=hello', '-f', path, lab.image]);
  if (code !== 0) throw new Error(stderr);
  return name;
}

const down = async (name: string) => lab.tsrun(['stop', '-a', name]);
const log = async (name: string) => (await lab.tsrun(['logs', '-a', name])).stdout.replaceAll(/^\S+ /gm, '');
const says = async (name: string, pattern: RegExp) => lab.until(`${String(pattern)} in the log`, async () => pattern.test(await log(name)));

rooted('run --app: config, streams and the real exit code; the log has when it ran, and not what its client saw', async (t) => {
  const name = await up();
  const run = async (words: readonly string[], input?: string) => lab.tsrun(['run', '--app', name, ...words], input === undefined ? {} : { input });
  t.like(await run(['-e', 'MORE=more', 'read line; echo "$GREETING $MORE $line ${PORT-none} $(id -u)"; echo err >&2; exit 7'], 'typed\n'), { code: 7, signal: null });
  t.is((await run(['--', 'cat'], 'a\nb\n')).stdout, 'a\nb\n');
  t.deepEqual(await run(['printf', '%s|', 'a  b', '$GREETING']), { code: 0, signal: null, stdout: 'a  b|$GREETING|', stderr: '' });
  t.is((await run(['echo $DYNO'])).stdout.replace(/\d{4}/, 'N'), 'run.N\n');
  t.is((await run(['task', 'more'])).stdout, 'task more\n');
  t.is((await run(['-i=false', 'cat'], 'not read')).stdout, '');
  t.is((await run(['kill -9 $$'])).code, 137);
  t.is((await run(['exec no-such-program'])).code, 127);
  const json = await run(['--json', 'exit 3']);
  t.regex(json.stderr, /^\{"dyno":"run\.\d{4}","cause":"exit","code":3\}\n$/);
  const all = await log(name);
  t.regex(all, /^heroku\[run\.\d+\]: Starting process with command `read line; /m);
  t.regex(all, /^heroku\[run\.\d+\]: Awaiting client$/m);
  t.regex(all, /^heroku\[run\.\d+\]: Process exited with status 7$/m);
  t.false(all.includes('hello more'));
  await down(name);
});

rooted('more than fits into any buffer goes through, both ways, to the byte', async (t) => {
  const name = await up();
  const input = 'x'.repeat(99).concat('\n').repeat(30_000);
  const { code, stdout } = await lab.tsrun(['run', '--app', name, 'cat'], { input });
  t.is(code, 0);
  t.true(stdout === input);
  await down(name);
});

rooted('run --app --detach: it has a name, is in ps and in the log, and stop ends it alone', async (t) => {
  const name = await up();
  const { stdout } = await lab.tsrun(['run', '-d', '--app', name, 'echo begun; exec sleep 1000']);
  t.regex(stdout, /^run\.\d{4}\n$/);
  const oneOff = stdout.trim();
  await says(name, new RegExp(`^app\\[${oneOff}\\]: begun$`, 'm'));
  t.is((await lab.tsrun(['ps', '-q', '--app', name])).stdout, `job.1\n${oneOff}\n`);
  t.is((await lab.tsrun(['scale', 'job=1', '-a', name])).stdout, 'job=1\n');
  t.is((await lab.tsrun(['logs', '-a', name, '--dyno', oneOff])).stdout.split('\n').filter((line) => line.endsWith('begun')).length, 1);
  t.deepEqual(await lab.tsrun(['stop', '-a', name, oneOff]), { code: 0, signal: null, stdout: stdout, stderr: '' });
  await says(name, new RegExp(`^heroku\\[${oneOff}\\]: Process exited with status 143$`, 'm'));
  t.is((await lab.tsrun(['ps', '-q', '--app', name])).stdout, 'job.1\n');
  await down(name);
});

rooted('run --app: signals are the program\'s', async (t) => {
  const name = await up();
  const child = lab.spawn(['run', '--app', name, "trap 'echo heard; exit 4' INT; echo ready; while :; do sleep 0.1; done"]);
  const ended = said(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  child.kill('SIGINT');
  t.like(await ended, { code: 4, stdout: 'ready\nheard\n' });
  await down(name);
});

rooted('B6: its client is killed: all of its processes get SIGHUP, three times, and one that will not hear it is R16 and lives on', async (t) => {
  const name = await up();
  const hangUp = async (script: string) => {
    const child = lab.spawn(['run', '--app', name, script]);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.kill('SIGKILL');
  };
  await hangUp("trap 'exit 5' HUP; echo ready; while :; do sleep 0.1; done");
  await says(name, /^heroku\[run\.\d+\]: Process exited with status 5$/m);
  t.is((await log(name)).match(/Client connection closed\. Sending SIGHUP to all processes/g)?.length, 1);
  await hangUp("trap '' HUP; echo ready; while :; do sleep 0.1; done");
  await says(name, /Error R16 \(Detached\)/);
  t.is((await log(name)).match(/Client connection closed\. Sending SIGHUP to all processes/g)?.length, 4);
  const [, deaf = ''] = /^job\.1\n(run\.\d+)\n$/.exec((await lab.tsrun(['ps', '-q', '--app', name])).stdout) ?? [];
  await lab.tsrun(['stop', '-a', name, deaf]);
  await down(name);
});

rooted('who stays with a one-off dyno has no launcher of its own: the agent runs it', async (t) => {
  const name = await up();
  const before = launchersOf(lab.stateRoot);
  t.true(before.length > 0);
  const child = lab.spawn(['run', '--app', name, 'echo ready; read line; exit 4']);
  const ended = said(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  t.deepEqual(launchersOf(lab.stateRoot), before);
  child.stdin?.end('\n');
  t.like(await ended, { code: 4 });
  await down(name);
});

seated('at a terminal there is one: its size, detach, ps, attach from another terminal, exit code', async (t) => {
  const name = await up();
  const pty = lab.pty(['run', '--app', name, 'sh'], { rows: 33, columns: 101, env: { TERM: 'vt220' } });
  const [, oneOff = ''] = /(run\.\d{4}) of /.exec(await pty.see(/run\.\d{4} of [^\n]*\n[^$]*\$ /)) ?? [];
  pty.type('marker=here; stty size\r');
  await pty.see(/\n33 101\r/);
  pty.type('echo $TERM\r');
  await pty.see(/\nvt220\r/);
  pty.resize(40, 120);
  await delay(300);
  pty.type('stty size; stty size\r');
  await pty.see(/\n40 120\r/);
  pty.type('\x10');
  await delay(50);
  pty.type('\x11');
  await pty.see(new RegExp(`detached; ${oneOff} goes on, and tsrun attach --app ${name} ${oneOff} comes back`));
  t.deepEqual(await pty.ended, { code: 0, cooked: true });
  t.is((await lab.tsrun(['ps', '-q', '--app', name])).stdout, `job.1\n${oneOff}\n`);
  const again = lab.pty(['attach', '--app', name, oneOff], { rows: 20, columns: 60 });
  await again.see(/\$ /);
  const second = await lab.tsrun(['attach', '--app', name, oneOff]);
  t.is(second.code, 125);
  t.regex(second.stderr, /a client is attached already\nhint: /);
  again.type('echo $marker; stty size\r');
  await again.see(/\nhere\r\n20 60\r/);
  again.type('exit 9\r');
  t.deepEqual(await again.ended, { code: 9, cooked: true });
  await down(name);
});

seated('the window is closed: the command ends, and the dyno hears SIGHUP', async (t) => {
  const name = await up();
  const pty = lab.pty(['run', '--app', name, '-it', "trap 'exit 6' HUP; echo ready; while :; do sleep 0.1; done"]);
  await pty.see(/ready/);
  pty.hangUp();
  t.like(await pty.ended, { code: 129 });
  await says(name, /^heroku\[run\.\d+\]: Process exited with status 6$/m);
  await down(name);
});

rooted('a terminal for who comes later: run -dt waits for attach', async (t) => {
  const name = await up();
  const { stdout } = await lab.tsrun(['run', '-dt', '--app', name, 'tty; exit 8']);
  await says(name, /Awaiting client/);
  const attached = await lab.tsrun(['attach', '-a', name, stdout.trim()]);
  t.like(attached, { code: 8, stdout: '/dev/pts/0\r\n' });
  await down(name);
});

rooted('the agent is killed: its one-off dynos end with it, and their clients are told', async (t) => {
  const name = await up();
  const child = lab.spawn(['run', '--app', name, 'echo ready; exec sleep 1000']);
  const ended = said(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  for (const pid of agentsOf(name)) process.kill(pid, 'SIGKILL');
  const { code, stderr } = await ended;
  t.is(code, 125);
  t.regex(stderr, /no process answers for the app/);
  await down(name);
});

rooted('errors say what to do', async (t) => {
  const name = await up();
  const told = async (words: readonly string[], code: number, pattern: RegExp) => {
    const ended = await lab.tsrun(words);
    t.is(ended.code, code, ended.stderr);
    t.regex(ended.stderr, pattern);
  };
  await told(['run', '--app', 'none', 'true'], 125, /there is no app "none"/);
  await told(['run', '--app', name], 125, /no program given\nhint: for example tsrun run --app/);
  await told(['run', '--app', name, '--memory', '1g', 'true'], 125, /no "memory.*" is said of it\nhint: beside --app stand /i);
  await told(['run', '--app', name, '--cidfile', '/tmp/x', 'true'], 125, /no "cidfile" is said of it/);
  await told(['run', '--app', name, '--size', 'web=1g', 'true'], 125, /expected one size/);
  await told(['run', '--size', '1g', lab.image, 'true'], 125, /a size is of dynos\nhint: /);
  await told(['attach', '--app', name, 'run.1234'], 125, /there is no one-off dyno .run\.1234.\nhint: none runs/);
  await told(['stop', '--app', name, 'job.1'], 1, /there is no one-off dyno .job\.1./);
  await told(['run', '-it', '--app', name, 'sh'], 125, /standard input is not a terminal/);
  await down(name);
});

inLongForm('root', 'cgroup2:memory')('run --app --size: what it may use', async (t) => {
  const name = await up();
  t.is((await lab.tsrun(['run', '--app', name, '--size', 'standard-2x', 'ulimit -u; grep MemTotal /proc/meminfo'])).stdout.replaceAll(/ +/g, ' '), '512\nMemTotal: 1048576 kB\n');
  await down(name);
});

lab.declareLeakTest();
