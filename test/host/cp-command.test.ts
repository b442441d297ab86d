/** `tsrun cp`, as a person types it: paths, archives through pipes, what is said on a terminal, and how it is given up. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandLab, refusal } from '../support/command-lab.js';
import { needs } from '../support/needs.js';

const lab = new CommandLab();
const here = needs('root', 'userns', 'overlay');
const atTerminal = needs('root', 'userns', 'overlay', 'command:python3');

function folder(script: string): string {
  const made = mkdtempSync(join(lab.imageRoot, 'host-'));
  execFileSync('sh', ['-ec', script], { cwd: made });
  return made;
}

/** On what one has left: it has a record of its own then, which nobody is shown. */
function isAtWork(): boolean {
  return readdirSync(join(lab.stateRoot, 'containers')).some((name) => name.startsWith('archive.'));
}

here('in, out, and through pipes; nothing is said but on a terminal', async (t) => {
  const host = folder('mkdir s; echo 1 >s/f; echo 2 >"a:b"; ln -s s l');
  const id = await lab.background();
  t.deepEqual(await lab.call(['cp', `${host}/s`, `${id}:/new`]), { code: 0, signal: null, stdout: '', stderr: '' });
  t.is((await lab.call(['cp', `${host}/a:b`, `${id}:/new/colon`])).code, 0);
  t.is((await lab.call(['cp', '-L', `${host}/l`, `${id}:/linked`])).code, 0);
  t.is((await lab.call(['cp', '-q', `${id}:new/.`, `${host}/out`])).code, 0);
  t.is(readFileSync(join(host, 'out/colon'), 'utf8'), '2\n');
  const { stdout } = await lab.shell(`cd ${host}; tar -c s | $tsrun cp - ${id}:/new; $tsrun cp ${id}:/new - | tar -t; $tsrun cp -a ${id}:/linked/f -| tar -xO`);
  t.is(stdout, 'new/\nnew/colon\nnew/f\nnew/s/\nnew/s/f\n1\n');
  t.deepEqual((await lab.shell(`$tsrun cp ${id}:/bin/busybox - | head -c 5 | wc -c`)).stdout.trim(), '5', 'who reads no further ends it');
  await lab.forget(id);
  rmSync(host, { recursive: true });
});

here('what is refused, with its exit code', async (t) => {
  const id = await lab.background();
  t.deepEqual(refusal(await lab.call(['cp', `${id}:/none`, '/tmp'])), [1, '', `tsrun: there is no '/none' in the container '${id}'`]);
  t.deepEqual(refusal(await lab.call(['cp', '/none-at-all', `${id}:/`])), [1, '', "tsrun: there is no '/none-at-all'"]);
  t.deepEqual(refusal(await lab.call(['cp', 'a', 'b'])), [125, '', 'tsrun: neither "a" nor "b" is in a container']);
  t.deepEqual(refusal(await lab.call(['cp', 'none:/a', '/tmp'])), [1, '', "tsrun: there is no container 'none'"]);
  t.deepEqual(refusal(await lab.call(['cp', `${id}:/a`])), [125, '', 'tsrun: no destination given']);
  await lab.forget(id);
  const gone = await lab.ended('echo 1 >/made');
  const { code, stderr } = await lab.call(['cp', `${gone}:/made`, '/tmp']);
  t.is(code, 1);
  t.regex(stderr, /^tsrun: the container '.*' has ended, and what it wrote is gone, since that was in memory\nhint: .*--storage-opt type=disk/);
  await lab.forget(gone);
});

here('what every program of the host has need of is not replaced: devices, pipes, and links to what the kernel shows', async (t) => {
  const host = folder('mknod null c 1 3; mkfifo pipe; ln -s null link; ln -s /proc/self/fd/1 stdout');
  const id = await lab.background([], 'echo 1 >/tmp/made; exec sleep 1000');
  await lab.until('the file', async () => (await lab.tsrun(['exec', id, 'test', '-s', '/tmp/made'])).code === 0);
  const kinds = () => execFileSync('stat', ['-c', '%n %F', 'link', 'null', 'pipe', 'stdout'], { cwd: host, encoding: 'utf8' });
  const before = kinds();
  for (const name of ['null', 'pipe', 'link', 'stdout']) {
    t.deepEqual(refusal(await lab.call(['cp', `${id}:/tmp/made`, `${host}/${name}`])), [1, '', `tsrun: '${host}/${name}' is a device, a pipe or a socket, and no file to replace`]);
  }
  t.is(kinds(), before);
  await lab.forget(id);
});

here('links that lead nowhere, or in a circle, and what the kernel shows, are named as that', async (t) => {
  const host = folder('ln -s none dangling; ln -s loop loop; echo 1 >file');
  const id = await lab.background([], 'cd /tmp; ln -s /none/at dangling; ln -s loop loop; ln -s /proc/uptime status; exec sleep 1000');
  await lab.until('the links', async () => (await lab.tsrun(['exec', id, 'test', '-L', '/tmp/status'])).code === 0);
  const message = async (...words: readonly string[]) => refusal(await lab.call(['cp', ...words]))[2];
  t.is(await message('-L', `${id}:/tmp/dangling`, host), `tsrun: '/tmp/dangling' in the container '${id}' is a link that leads nowhere: '/none/at'`);
  t.is(await message(`${id}:/tmp/dangling/`, host), `tsrun: '/tmp/dangling/' in the container '${id}' is a link that leads nowhere: '/none/at'`);
  t.is(await message('-L', `${host}/dangling`, `${id}:/tmp`), `tsrun: '${host}/dangling' is a link that leads nowhere: 'none'`);
  t.is(await message('-L', `${host}/loop`, `${id}:/tmp`), `tsrun: the links at '${host}/loop' go in a circle`);
  t.regex(await message('-L', `${id}:/tmp/loop`, host), /^tsrun: the links at .*'\/tmp\/loop'.* go in a circle/);
  t.is(await message(`${host}/file`, `${id}:/tmp/dangling`), "tsrun: there is no folder '/none' to copy into, where the link '/tmp/dangling' leads");
  const shown = (path: string) => `tsrun: '${path}' in the container '${id}' is shown by the kernel, and is no file to copy`;
  for (const path of ['/proc', '/proc/1/status', '/proc/self/fd', '/proc/1/root', '/proc/1/cwd/', '/sys/kernel']) t.is(await message(`${id}:${path}`, host), shown(path));
  t.is(await message('-L', `${id}:/tmp/status`, host), shown('/tmp/status'));
  for (const path of ['/proc/sys/kernel/hostname', '/proc/', '/sys/x']) t.is(await message(`${host}/file`, `${id}:${path}`), shown(path));
  t.regex((await lab.call(['cp', `${id}:/proc/uptime`, host])).stderr, /hint: .*tsrun exec .* cat \/proc\/uptime/);
  t.is((await lab.call(['cp', `${id}:/tmp/dangling`, host])).code, 0, 'the link itself');
  t.deepEqual(readdirSync(host).sort(), ['dangling', 'file', 'loop']);
  await lab.forget(id);
  rmSync(host, { recursive: true });
});

here('what one has left on disk is copied until rm, which waits for nobody', async (t) => {
  const id = lab.newId();
  await lab.call(['run', '--name', id, '--storage-opt', 'type=disk', lab.image, 'sh', '-c', 'echo made >/made']);
  t.is((await lab.shell(`$tsrun cp ${id}:/made - | tar -xO`)).stdout, 'made\n');
  // One that reads an archive of which nothing comes.
  const held = lab.spawn(['cp', '-', `${id}:/`]);
  await lab.until('the archiver', isAtWork);
  t.false((await lab.call(['ps', '-a', '-q'])).stdout.includes('archive.'));
  t.deepEqual(refusal(await lab.call(['rm', id])), [1, '', `tsrun: the files of the container '${id}' are in use: something is being copied`]);
  t.is((await lab.call(['rm', '-f', id])).code, 1);
  held.stdin?.end();
  await new Promise((resolve) => { held.once('close', resolve); });
  t.is((await lab.call(['rm', id])).code, 0);
});

atTerminal('on a terminal: how far it is, what was copied, and no archive', async (t) => {
  const host = folder('head -c 60000000 /dev/zero >large');
  const id = await lab.background(['--storage-opt', 'size=200m']);
  const copying = lab.pty(['cp', `${host}/large`, `${id}:/large`]);
  await copying.see(/Copied 57\.2MiB \(1 entry\) to \S+:\/large/);
  const quiet = lab.pty(['cp', '-q', `${host}/large`, `${id}:/large`]);
  t.is((await quiet.ended).code, 0);
  t.is(quiet.screen.trim(), '');
  const archive = lab.pty(['cp', `${id}:/large`, '-']);
  await archive.see(/an archive is no text for a terminal/);
  const nothing = lab.pty(['cp', '-', `${id}:/`]);
  await nothing.see(/no archive to copy: standard input is a terminal/);
  await lab.forget(id);
  rmSync(host, { recursive: true });
});

here('ctrl-c gives it up, and leaves nothing that works on', async (t) => {
  const id = lab.newId();
  await lab.call(['run', '--name', id, '--storage-opt', 'type=disk', lab.image, 'true']);
  const held = lab.spawn(['cp', '-', `${id}:/`]);
  await lab.until('the archiver', isAtWork);
  held.kill('SIGINT');
  const end = await new Promise<number | null>((resolve) => { held.once('close', (status) => { resolve(status); }); });
  t.is(end, 130);
  await lab.forget(id);
});

lab.declareLeakTest();
