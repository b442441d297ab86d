/** `tsrun exec`, `attach` and `logs`: from another shell, into containers that run in the background. */
import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliLab, said, type Said } from '../support/cli-lab.js';
import { needs } from '../support/needs.js';

const lab = new CliLab();
const rooted = needs('root');

async function background(script: string, ...flags: string[]): Promise<string> {
  const id = lab.newId();
  const { code, stderr } = await lab.run(['-d', '--name', id, ...flags], script);
  if (code !== 0) throw new Error(stderr);
  return id;
}

async function forget(id: string): Promise<void> {
  if ((await lab.find(id))?.state === 'running') await lab.kill(id);
  await lab.until('its end', async () => (await lab.find(id))?.state !== 'running');
  rmSync(join(lab.stateRoot, 'containers', id), { recursive: true, force: true });
}

rooted('exec runs a program in the container: its code, its streams, its environment, user and folder', async (t) => {
  const id = await background('sleep 1000');
  t.is((await lab.tsrun(['exec', id, 'sh', '-c', 'exit 7'])).code, 7);
  const typed = await lab.tsrun(['exec', '-i', id, 'cat'], { input: 'typed' });
  t.is(typed.stdout, 'typed');
  const described = await lab.tsrun(['exec', '-e', 'NAME=value', '-w', '/tmp', '-u', '1000', id, 'sh', '-c', 'echo $NAME; pwd; id -u; hostname; echo err >&2']);
  t.is(described.stdout, `value\n/tmp\n1000\n${id}\n`);
  t.is(described.stderr, 'err\n');
  t.is((await lab.tsrun(['exec', id, 'nonesuch'])).code, 127);
  t.is((await lab.tsrun(['exec', id, '/etc'])).code, 126);
  const nowhere = await lab.tsrun(['exec', '-w', '/nope/b', id, 'pwd']);
  t.deepEqual([nowhere.code, nowhere.stdout], [126, '']);
  t.regex(nowhere.stderr, /^tsrun: the working directory '\/nope\/b' does not exist .*\nhint: choose another with -w, or make it first/);
  t.is((await lab.tsrun(['exec', id, 'ls', '/nope'])).code, 1, 'and none was made');
  t.is((await lab.tsrun(['exec', lab.newId(), 'true'])).code, 125);
  await forget(id);
});

rooted('logs of a container in the foreground, unless its output goes elsewhere', async (t) => {
  const id = lab.newId();
  const pty = lab.pty(['run', '--name', id, lab.image, 'sh', '-c', 'echo out; echo err >&2']);
  t.is((await pty.ended).code, 0);
  const logs = await lab.tsrun(['logs', id]);
  t.deepEqual([logs.stdout, logs.stderr], ['out\n', 'err\n']);
  await forget(id);
  const piped = lab.newId();
  t.is((await lab.shell(`$tsrun run --name ${piped} $image echo out | cat`)).stdout, 'out\n');
  const none = await lab.tsrun(['logs', piped]);
  t.is(none.code, 1);
  t.regex(none.stderr, /keeps no log: .*elsewhere/);
  await forget(piped);
});

rooted('exec ends with its program, whoever still holds its output', async (t) => {
  const id = await background('sleep 1000');
  const started = Date.now();
  const { code, stdout } = await lab.tsrun(['exec', id, 'sh', '-c', 'sleep 100 & seq 100000']);
  t.is(code, 0);
  t.true(stdout.endsWith('\n99999\n100000\n'), 'everything that it printed came');
  t.true(Date.now() - started < 60_000);
  await forget(id);
});

rooted('exec --detach leaves the program running', async (t) => {
  const id = await background('sleep 1000');
  const { code, stdout } = await lab.tsrun(['exec', '-d', id, 'sh', '-c', 'sleep 1; echo done > /tmp/done']);
  t.deepEqual([code, stdout], [0, '']);
  await lab.until('what it does', async () => (await lab.tsrun(['exec', id, 'cat', '/tmp/done'])).stdout === 'done\n');
  await forget(id);
});

rooted('exec --privileged has every capability', async (t) => {
  const id = await background('sleep 1000');
  const effective = async (...flags: string[]) => (await lab.tsrun(['exec', ...flags, id, 'grep', 'CapEff', '/proc/self/status'])).stdout.split(/\s+/)[1];
  t.not(await effective(), await effective('--privileged'));
  t.regex((await effective('--privileged')) ?? '', /^0000[0-9a-f]{4}ffffffff$/);
  await forget(id);
});

rooted('attach shows what is printed, passes on what comes in and signals, and ends with the container\'s code', async (t) => {
  const ticks = '(while :; do echo tick; sleep 0.1; done) &';
  const id = await background(`trap "echo got it; exit 4" TERM; ${ticks} while read line; do echo "<$line>"; echo err >&2; done`, '-i');
  const [first, second] = [await attach(id), await attach(id)];
  first.child.stdin?.write('one\n');
  second.child.stdin?.write('two\n');
  for (const { see } of [first, second]) for (const line of ['<one>', '<two>']) await see(line);
  first.child.kill('SIGTERM');
  // The trap of a shell that waits for a line is run after the line, if it was not interrupted.
  await delay(500);
  second.child.stdin?.on('error', () => undefined).write('three\n');
  for (const { end } of [first, second]) {
    const { code, stdout, stderr } = await end;
    t.is(code, 4);
    t.regex(stdout, /got it\n/);
    t.regex(stderr, /err\n/);
  }
  await forget(id);
});

interface Attached {
  readonly child: ChildProcess;
  readonly end: Promise<Said>;
  readonly see: (text: string) => Promise<void>;
}

/** Resolves when output comes. */
async function attach(id: string): Promise<Attached> {
  const child = lab.spawn(['attach', id]);
  let shown = '';
  const end = said(child);
  child.stdout?.on('data', (text: string) => {
    shown += text;
  });
  const see = (text: string) => lab.until(text, () => shown.includes(text));
  await see('tick');
  return { child, end, see };
}

rooted('a container that keeps no output says so to attach and logs', async (t) => {
  const id = lab.newId();
  const owner = lab.spawn(['run', '--rm', '--name', id, lab.image, 'sleep', '1000']);
  const end = said(owner);
  await lab.until('its start', async () => (await lab.find(id))?.pid !== undefined);
  for (const command of ['attach', 'logs']) {
    const refused = await lab.tsrun([command, id]);
    t.is(refused.code, command === 'logs' ? 1 : 125);
    t.regex(refused.stderr, /hint: start it with --detach or --tty/);
  }
  await lab.kill(id);
  t.is((await end).code, 137);
});

rooted('logs are what was printed, byte for byte, each stream on its own', async (t) => {
  const id = await background('printf "one\\ntwo"; printf "err\\n" >&2; sleep 0.2; printf " and\\nthree\\0\\377"');
  await lab.until('its end', async () => (await lab.find(id))?.state === 'stopped');
  const child = lab.spawn(['logs', id]);
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => child.once('close', resolve));
  t.deepEqual(Buffer.concat(chunks), Buffer.from('one\ntwo and\nthree\0\xff', 'latin1'));
  const both = await lab.tsrun(['logs', '--tail', '1', id]);
  t.true(both.stderr === '' || both.stderr === 'err\n');
  t.is((await lab.tsrun(['logs', lab.newId()])).code, 1);
  await forget(id);
});

rooted('--tail counts lines, --timestamps dates them, --since leaves out what is older', async (t) => {
  const id = await background('seq 5; sleep 2; seq 6 8');
  await lab.until('its end', async () => (await lab.find(id))?.state === 'stopped');
  t.is((await lab.tsrun(['logs', '--tail', '2', id])).stdout, '7\n8\n');
  t.is((await lab.tsrun(['logs', '--tail', '0', id])).stdout, '');
  t.is((await lab.tsrun(['logs', '--tail', 'all', id])).stdout, '1\n2\n3\n4\n5\n6\n7\n8\n');
  const dated = (await lab.tsrun(['logs', '-t', id])).stdout.trim().split('\n');
  t.is(dated.length, 8);
  for (const line of dated) t.regex(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \d$/);
  const moment = dated[5]?.split(' ')[0] ?? '';
  t.is((await lab.tsrun(['logs', '--since', moment, id])).stdout, '6\n7\n8\n');
  await forget(id);
});

rooted('--follow goes on until the container ends, without losing or repeating a line', async (t) => {
  const id = await background('i=0; while [ $i -lt 300 ]; do echo $i; i=$((i + 1)); done; sleep 1; seq 300 20000');
  const followed = lab.tsrun(['logs', '-f', id]);
  const tailed = lab.tsrun(['logs', '-f', '--tail', '3', id]);
  const all = Array.from({ length: 20_001 }, (_, index) => `${index}\n`);
  t.true((await followed).stdout === all.join(''));
  const { stdout } = await tailed;
  t.true(all.join('').endsWith(stdout));
  t.true(stdout.endsWith('20000\n'));
  await forget(id);
});

rooted('logs that nobody reads any more end', async (t) => {
  const id = await background('seq 100000; sleep 1000');
  const { stdout } = await lab.shell(`$tsrun logs -f ${id} | head -n 1`);
  t.is(stdout, '1\n');
  await forget(id);
});

lab.declareLeakTest();
