/** `tsrun run` without a terminal: exit codes, streams, the background, and what it says. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CliLab, said } from '../support/cli-lab.js';
import { needs } from '../support/needs.js';

const lab = new CliLab();
const rooted = needs('root');

rooted('the exit code is the program\'s own, or 128 and the signal that ended it', async (t) => {
  t.is((await lab.run([], 'exit 0')).code, 0);
  t.is((await lab.run([], 'exit 42')).code, 42);
  t.is((await lab.run(['--init'], 'kill -TERM $$')).code, 143);
});

rooted('a program that is missing is 127, one that cannot be executed 126, a failure of tsrun 125', async (t) => {
  const missing = await lab.tsrun(['run', '--rm', lab.image, 'nonesuch']);
  t.is(missing.code, 127);
  t.regex(missing.stderr, /^tsrun: the program 'nonesuch' was not found/);
  t.regex(missing.stderr, /\nhint: /);
  t.is((await lab.tsrun(['run', '--rm', lab.image, '/etc'])).code, 126);
  t.is((await lab.tsrun(['run', '--rm', '/nonesuch', 'true'])).code, 125);
  t.is((await lab.tsrun(['run', '--nonesuch', lab.image])).code, 125);
});

rooted('output and errors go where the caller sends them, whatever that is', async (t) => {
  const both = await lab.run([], 'echo out; echo err >&2');
  t.deepEqual([both.stdout, both.stderr], ['out\n', 'err\n']);
  const piped = await lab.shell('$tsrun run --rm --name $id $image sh -c "echo out; echo err >&2" 2>&1 | cat');
  // What tsrun has to say of the host comes first.
  t.regex(piped.stdout, /^(tsrun: warning: .*\n)*out\nerr\n$/);
  const file = join(lab.stateRoot, 'out');
  await lab.shell(`$tsrun run --rm --name $id $image sh -c "echo out; head -c 200000 /dev/zero" > ${file}`);
  t.is(readFileSync(file).length, 200_004);
  rmSync(file);
});

rooted('--env-file is tsrun\'s, and that of the program is the program\'s: Node, which has one too, takes neither', (t) => {
  const [file, loaded, mark] = ['env', 'loaded.cjs', 'mark'].map((name) => join(lab.stateRoot, name));
  if (file === undefined || loaded === undefined || mark === undefined) return t.fail();
  writeFileSync(loaded, `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '');`);
  writeFileSync(file, `NODE_OPTIONS=--require=${loaded}\nA=1\n`);
  const path = { ...process.env, ...lab.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
  const call = (...words: string[]) => spawnSync(lab.file, ['run', '--rm', '--name', lab.newId(), ...words], { env: path, encoding: 'utf8' });
  const { stdout } = call('--env-file', file, lab.image, 'sh', '-c', 'echo $A $NODE_OPTIONS');
  t.is(stdout, `1 --require=${loaded}\n`);
  t.is(call(lab.image, 'echo', '--env-file', file, '--env-file=nope').stdout, `--env-file ${file} --env-file=nope\n`);
  const missing = call('--env-file', '/nope', lab.image, 'true');
  t.is(missing.status, 125);
  t.regex(missing.stderr, /^tsrun: .*\/nope/);
  t.false(existsSync(mark), 'nothing of the file was loaded');
  const control = spawnSync(process.execPath, [lab.file, 'version', '--env-file', file], { env: path, encoding: 'utf8' });
  if (process.version.startsWith('v20.')) t.true(existsSync(mark), `control: without the -- Node 20 reads it: ${control.stderr}`);
  for (const each of [file, loaded, mark]) rmSync(each, { force: true });
});

rooted('what prints to a full disk, or is started in a folder that was removed, ends with a sentence', async (t) => {
  const full = await lab.shell('$tsrun run --rm --name $id $image echo x >/dev/full');
  t.is(full.code, 125);
  t.regex(full.stderr, /^tsrun: output cannot be written: no space left on device \(ENOSPC\)$/m);
  t.notRegex(full.stderr, /internal error/);
  const gone = async (words: string) => lab.shell(`mkdir ${lab.stateRoot}/gone && cd ${lab.stateRoot}/gone && rmdir ${lab.stateRoot}/gone && exec $tsrun ${words}`);
  t.is((await gone('run --rm --name $id -v /etc:/mnt $image true')).code, 0, 'absolute paths lead somewhere');
  const relative = await gone('run --rm --name $id -v ./data:/mnt $image true');
  t.is(relative.code, 125);
  t.regex(relative.stderr, /^tsrun: the working directory is no longer there, so that relative paths lead nowhere\nhint: /m);
  t.regex((await gone('run --rm --name $id ./image true')).stderr, /^tsrun: the working directory is no longer there/m);
  t.regex((await gone('doctor')).stdout, /^yes +launcher /m);
});

rooted('the exit code is the program\'s where nothing of it was lost, whatever tsrun could not say', async (t) => {
  const code = async (words: string) => (await lab.shell(words)).code;
  const run = '$tsrun run --rm --name $id $image';
  t.is(await code(`${run} sh -c 'exit 3' >/dev/full`), 3);
  t.is(await code(`${run} true >/dev/full`), 0);
  t.is(await code(`${run} sh -c 'exit 3' 2>/dev/full`), 3);
  t.is(await code(`${run} nonesuch >/dev/full 2>&1`), 127);
  t.is(await code(`${run} sh -c 'echo x >&2; exit 3' 2>/dev/full`), 125, 'what it printed was lost');
  t.is(await code('$tsrun run -d --rm --name $id $image sleep 99 >/dev/null && $tsrun exec $id sh -c "exit 3" >/dev/full 2>&1; code=$?; $tsrun rm -f $id >/dev/null; exit $code'), 3);
});

rooted('a pipe that is handed on blocks a program that is too fast for its reader', async (t) => {
  const piped = await lab.shell('$tsrun run --rm --name $id $image head -c 2000000 /dev/zero | { sleep 1; wc -c; }');
  t.is(piped.stdout.trim(), '2000000');
});

rooted('a program may open its streams again by name, as any user', async (t) => {
  const script = 'cat /dev/stdin > /dev/stdout; echo err > /dev/stderr';
  for (const user of ['0', '1000']) {
    const copied = await lab.run(['-i', '-u', user], script, { input: 'in\n' });
    t.deepEqual([copied.code, copied.stdout, copied.stderr], [0, 'in\n', 'err\n']);
    const piped = await lab.shell(`echo in | $tsrun run -i -u ${user} --rm --name $id $image sh -c '${script}' 2>/dev/null | cat`);
    t.is(piped.stdout, 'in\n');
  }
});

rooted('a program holds no stream of the caller but pipes', async (t) => {
  const { stdout } = await lab.shell('$tsrun run -i --rm --name $id $image ls -l /proc/self/fd < / 2>/dev/null');
  t.notRegex(stdout, /0 -> (?!pipe:)/, 'a folder leads out of the root');
  const file = join(lab.stateRoot, 'links');
  await lab.shell(`$tsrun run -i --rm --name $id $image ls -l /proc/self/fd < /etc/passwd > ${file} 2>/dev/null`);
  t.regex(readFileSync(file, 'utf8'), /0 -> pipe:.*\n.*1 -> pipe:.*\n.*2 -> \/dev\/null/);
  rmSync(file);
});

rooted('standard input is for the program with --interactive only', async (t) => {
  t.is((await lab.run(['-i'], 'cat', { input: 'typed' })).stdout, 'typed');
  t.is((await lab.run([], 'cat', { input: 'typed' })).stdout, '');
  const large = 'x'.repeat(3_000_000);
  t.is((await lab.run(['-i'], 'wc -c', { input: large })).stdout.trim(), String(large.length));
  t.is((await lab.run(['-i'], 'true', { input: large })).code, 0, 'a program need not read it');
});

rooted('when the reader leaves, the program hears of it', async (t) => {
  // A first process has no default action for SIGPIPE (pid_namespaces(7)): the reaper takes that place.
  const child = lab.spawn(['run', '--rm', '--init', '--name', lab.newId(), lab.image, 'yes']);
  child.stdout?.once('data', () => child.stdout?.destroy());
  t.is((await said(child)).code, 141);
  const piped = await lab.shell('{ $tsrun run --rm --init --name $id $image yes; echo $? >&2; } | head -n 1');
  t.regex(piped.stderr, /^141$/m);
});

rooted('--detach prints the name at once, and the container lives on', async (t) => {
  const id = lab.newId();
  const started = await lab.tsrun(['run', '-d', '--rm', '--name', id, lab.image, 'sleep', '1000']);
  t.deepEqual([started.code, started.stdout, started.stderr], [0, `${id}\n`, '']);
  t.is((await lab.find(id))?.state, 'running');
  await lab.kill(id);
  await lab.until('its end', async () => (await lab.find(id)) === undefined);
  const failed = await lab.tsrun(['run', '-d', '--rm', lab.image, 'nonesuch']);
  t.deepEqual([failed.code, failed.stdout], [127, '']);
});

rooted('ids of a user namespace stay the container\'s when its starter is gone', async (t) => {
  const words = (id: string) => ['run', '-d', '--rm', '--name', id, lab.image, 'sleep', '1000'];
  const ids = [lab.newId(), lab.newId()];
  for (const id of ids) await lab.tsrun(words(id));
  const ranges = await Promise.all(ids.map(async (id) => (await lab.find(id))?.record.spec.linux?.uidMappings?.[0]?.hostID));
  t.not(ranges[0], ranges[1]);
  const reserved = readdirSync(join(lab.stateRoot, 'ranges'));
  for (const range of ranges) t.true(reserved.includes(String(range)));
  for (const id of ids) await lab.kill(id);
});

rooted('--cidfile holds the name; an old one is kept, and a start that failed leaves none', async (t) => {
  const file = join(lab.stateRoot, 'cid');
  const id = lab.newId();
  const words = (program: string) => ['run', '--rm', '--name', id, '--cidfile', file, lab.image, program];
  t.is((await lab.tsrun(words('nonesuch'))).code, 127);
  t.false(existsSync(file));
  t.is((await lab.tsrun(words('true'))).code, 0);
  t.is(readFileSync(file, 'utf8'), id);
  const again = await lab.tsrun(words('true'));
  t.is(again.code, 125);
  t.regex(again.stderr, /^tsrun: the file ".*\/cid" for the name of the container exists\nhint: /);
  t.is(readFileSync(file, 'utf8'), id);
  rmSync(file);
});

rooted('--json tells how it ended as the last line of standard error', async (t) => {
  const id = lab.newId();
  const ended = await lab.run(['--json', '--rm', '--name', id], 'echo out; exit 3');
  t.is(ended.stdout, 'out\n');
  const status: unknown = JSON.parse(ended.stderr);
  t.like(status, { id, code: 3, cause: 'exit' });
  const other = lab.newId();
  const background = await lab.run(['--json', '-d', '--rm', '--name', other], 'true');
  t.is(background.stderr, '');
  t.deepEqual(JSON.parse(background.stdout), { id: other });
});

rooted('--json tells why nothing was started, with the codes that there are without it', async (t) => {
  const error = (stderr: string): unknown => JSON.parse(stderr);
  const missing = await lab.tsrun(['run', '--json', '--rm', lab.image, 'nonesuch']);
  t.deepEqual([missing.code, missing.stdout], [127, '']);
  t.like(error(missing.stderr), { error: { code: 'ERR_TSRUN_COMMAND_NOT_FOUND', field: '/process/args' } });
  const id = lab.newId();
  await lab.run(['--name', id], 'true');
  const taken = await lab.tsrun(['run', '--json', '-d', '--name', id, lab.image, 'true']);
  t.deepEqual([taken.code, taken.stdout], [125, '']);
  const message = `a container of this name exists: '${id}'`;
  t.deepEqual(error(taken.stderr), { error: { code: 'ERR_TSRUN_EXISTS', field: '/id', message, hint: 'choose another name, or remove it with tsrun rm' } });
  const mistaken = await lab.tsrun(['run', '--json', '--rm', '--storage-opt', 'size=0', lab.image, 'true']);
  t.is(mistaken.code, 125);
  t.like(error(mistaken.stderr), { error: { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/rootBytes' } });
  rmSync(join(lab.stateRoot, 'containers', id), { recursive: true });
});

rooted('without --rm the container is remembered, and its name is taken', async (t) => {
  const id = lab.newId();
  t.is((await lab.run(['--name', id], 'exit 7')).code, 7);
  t.like(await lab.find(id), { state: 'stopped', exit: { code: 7 } });
  const again = await lab.run(['--name', id], 'true');
  t.is(again.code, 125);
  t.regex(again.stderr, /a container of this name exists/);
  rmSync(join(lab.stateRoot, 'containers', id), { recursive: true });
});

needs('root', 'cgroup:hybrid')('a default that cannot be held is a warning, and an error with --strict', async (t) => {
  const { code, stderr } = await lab.shell('$tsrun run --rm --name $id $image true 2>&1 >/dev/null | grep -c "^tsrun: warning: the default pids limit" >&2');
  t.is(code, 0);
  t.is(stderr.trim(), '1');
  t.is((await lab.run(['--strict'], 'true')).code, 125);
});

needs('root', 'cgroup2:memory')('who is killed for want of memory is told so', async (t) => {
  const ended = await lab.tsrun(['run', '--rm', '--name', lab.newId(), '-m', '32m', '--memory-swap', '32m', lab.image, 'tail', '/dev/zero']);
  t.is(ended.code, 137);
  t.regex(ended.stderr, /^tsrun: the kernel killed the program for want of memory: its limit of 32MiB was reached/);
});

rooted('--timings shows how long each step of the start took as bars, after what the program printed', async (t) => {
  const { code, stdout, stderr } = await lab.run(['--timings', '--rm'], 'echo out; echo err >&2');
  t.deepEqual([code, stdout], [0, 'out\n']);
  t.regex(stderr, /^err\n *START +TIME +WHERE +STEP +FROM +0 ·+ \d+\.\d{3} ms\n/);
  t.regex(stderr, /\n *\d+\.\d{3} ms +\d+\.\d{3} ms +container +pivotRoot +\/root\/path +[█▏▎▍▌▋▊▉]+\n/);
  const json = await lab.run(['--timings', '--json', '--rm'], 'true');
  t.regex(json.stderr, /"timings":\{"totalUs":\d/);
});

rooted('--timings=svg draws them into the working directory', async (t) => {
  const id = lab.newId();
  const { code, stderr } = await lab.shell(`cd ${lab.stateRoot} && $tsrun run --timings=svg --rm --name ${id} $image true`);
  t.is(code, 0);
  t.true(stderr.includes(`tsrun: how long each step of the start took is in "${id}.timings.svg"\n`));
  const picture = readFileSync(join(lab.stateRoot, `${id}.timings.svg`), 'utf8');
  rmSync(join(lab.stateRoot, `${id}.timings.svg`));
  t.regex(picture, /^<svg [^]*<\/svg>\n$/);
  t.true(picture.includes('pivotRoot  /root/path'));
  t.is((await lab.run(['--timings=png'], 'true')).code, 125);
});

lab.declareLeakTest();
