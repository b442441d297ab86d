// Every mistake that people make has a sentence and a hint of its own, and leaves nothing behind.
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { SetupError, TsrunError, type ErrorCode, type RunOptions } from '../../src/index.js';
import { makeImage, type ImageParts } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { cgroupsOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

interface Mistake {
  readonly options?: RunOptions;
  readonly image?: string;
  readonly code: ErrorCode;
  readonly message: RegExp;
  readonly hint: RegExp;
  readonly field?: string;
}

async function refused(t: ExecutionContext, { options = {}, image, code, message, hint, field }: Mistake): Promise<TsrunError | undefined> {
  const runtime = await lab.runtime();
  const id = lab.newId();
  const error = await t.throwsAsync(runtime.run(image ?? lab.image, { id, command: ['true'], ...options }), { instanceOf: TsrunError }, JSON.stringify(options));
  t.is(error.code, code, error.message);
  t.regex(error.message, message);
  t.regex(error.hint ?? '', hint, error.message);
  if (field !== undefined) t.is(error.field, field, error.message);
  // A sentence is lower case but for names, has no full stop, and is one line.
  t.notRegex(error.message, /\.$|\n/);
  t.deepEqual(cgroupsOf(id), []);
  return error;
}

here('the image: missing, a file, empty, an archive', async (t) => {
  const folder = mkdtempSync(join(lab.scratch, 'bad-'));
  const [file, empty, layout] = ['file', 'empty', 'layout'].map((name) => join(folder, name));
  if (file === undefined || empty === undefined || layout === undefined) return t.fail();
  writeFileSync(file, 'x');
  mkdirSync(empty);
  mkdirSync(layout);
  writeFileSync(join(layout, 'oci-layout'), '{}');
  const code = 'ERR_TSRUN_IMAGE';
  await refused(t, { image: join(folder, 'none'), code, message: /'.*none' does not exist/, hint: /./ });
  await refused(t, { image: `${lab.image}x`, code, message: /does not exist/, hint: /./ });
  await refused(t, { image: file, code, message: /file/, hint: /./ });
  await refused(t, { image: empty, code, message: /empty|nothing|not a root/, hint: /./ });
  await refused(t, { image: layout, code, message: /'oci-layout' in .* version/, hint: /./ });
  await refused(t, { image: '', code, message: /empty/, hint: /./ });
  await refused(t, { image: 'a\0b', code, message: /NUL/, hint: /./ });
});

/** A minimal 64-bit ELF executable whose PT_INTERP names this loader. */
function elfFor(loader: string): Buffer {
  const interpreter = Buffer.from(`${loader}\0`);
  const header = Buffer.alloc(64 + 56);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(process.arch === 'arm64' ? 183 : 62, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(3, 64);
  header.writeUInt32LE(4, 68);
  header.writeBigUInt64LE(120n, 72);
  header.writeBigUInt64LE(BigInt(interpreter.length), 64 + 32);
  header.writeBigUInt64LE(BigInt(interpreter.length), 64 + 40);
  return Buffer.concat([header, interpreter]);
}

function imageWith(parts: ImageParts): string {
  return makeImage(lab, { mode: 0o755, ...parts });
}

here('the program: missing, a folder, not executable, of another kind, without interpreter or loader', async (t) => {
  const image = imageWith({
    folders: ['folder'],
    files: { 'bin/script': '#!/usr/bin/python3\n', 'bin/spaced': '#! /opt/perl -w\n', 'bin/second': '#!/bin/spaced\n', 'bin/third': '#!/bin/second\n', 'bin/wheel': '#!/bin/wheel\n', 'bin/text': 'just text\n' },
    links: { 'bin/circle': 'circle', 'bin/dangling': '/none' },
  });
  writeFileSync(join(image, 'bin/dynamic'), elfFor('/lib64/ld-linux-x86-64.so.2'));
  writeFileSync(join(image, 'bin/musl'), elfFor('/lib/ld-musl-x86_64.so.1'));
  for (const name of ['dynamic', 'musl']) chmodSync(join(image, 'bin', name), 0o755);
  copyFileSync(join(lab.image, 'bin/busybox'), join(image, 'bin/private'));
  chmodSync(join(image, 'bin/private'), 0o600);
  const missing = 'ERR_TSRUN_COMMAND_NOT_FOUND';
  const stuck = 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE';
  const command = (...words: string[]): RunOptions => ({ command: words });
  const mistakes: Mistake[] = [
    // Docker takes what follows the image for the program too; who meant a flag is to see why.
    { options: command('-it', 'sh'), code: missing, message: /'-it' was not found/, hint: /flags end at the image/ },
    { options: command('--rm'), code: missing, message: /'--rm' was not found/, hint: /write it before the image/ },
    { options: command('pyton'), code: missing, message: /'pyton' was not found: it is in none of .*:\/bin/, hint: /PATH/ },
    { options: command('/usr/bin/app'), code: missing, message: /'\/usr\/bin\/app' was not found: there is no such file in the image/, hint: /right path/ },
    { options: command('/bin/true/app'), code: missing, message: /was not found/, hint: /./ },
    { options: command('/bin/dangling'), code: missing, message: /was not found/, hint: /./ },
    { options: command('script'), code: stuck, message: /'\/bin\/script' is a script for '\/usr\/bin\/python3', which is not in the image/, hint: /interpreter/ },
    { options: command('/bin/spaced'), code: stuck, message: /script for '\/opt\/perl'/, hint: /first line/ },
    { options: command('/bin/third'), code: stuck, message: /'\/bin\/third' is run by '\/bin\/spaced', a script for '\/opt\/perl', which is not/, hint: /first line/ },
    { options: command('wheel'), code: stuck, message: /more than 5, or a circle/, hint: /no script/ },
    { options: command('/bin/dynamic'), code: stuck, message: /shared library loader '\/lib64\/ld-linux-x86-64\.so\.2', which is not in the image/, hint: /glibc or musl/ },
    { options: command('musl'), code: stuck, message: /'\/lib\/ld-musl-x86_64\.so\.1'/, hint: /statically/ },
    { options: command('/bin/text'), code: stuck, message: /neither a binary for this processor nor a script/, hint: /architecture/ },
    { options: command('/folder'), code: stuck, message: /cannot be executed/, hint: /./ },
    { options: command('/bin/private'), code: stuck, message: /not an executable file/, hint: /chmod \+x/ },
    { options: { ...command('private'), user: '1000' }, code: stuck, message: /may not be entered by this user|not an executable/, hint: /-u/ },
    { options: command('/bin/circle'), code: stuck, message: /circle of symbolic links/, hint: /links/ },
    { options: command('true', 'x'.repeat(140_000)), code: stuck, message: /too long/, hint: /file/ },
  ];
  for (const mistake of mistakes) {
    await refused(t, { ...mistake, image });
    const error = await refused(t, { ...mistake, image, options: { ...mistake.options, init: true } });
    t.true(error instanceof SetupError);
  }
});

here('a folder of PATH with what cannot be run tells more than one with what may not be, with a reaper too', async (t) => {
  const image = imageWith({ files: { 'a/prog': 'no program\n', 'b/prog': 'no program either\n' } });
  chmodSync(join(image, 'a/prog'), 0o644);
  for (const init of [false, true]) {
    const search = (PATH: string): RunOptions => ({ command: ['prog'], env: { PATH }, init });
    for (const path of ['/a:/b', '/b:/a', '/none:/b']) {
      await refused(t, { options: search(path), code: 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE', message: /neither a binary for this processor nor a script/, hint: /./, image });
    }
    await refused(t, { options: search('/a:/none'), code: 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE', message: /not an executable file/, hint: /./, image });
  }
});

here('an image with poisoned links and files cannot have the diagnosis read what is outside', async (t) => {
  const image = imageWith({ links: { 'bin/escape': '../../../../../../etc/passwd', 'bin/proc': '/proc/self/exe', 'bin/fd': '/proc/self/fd/3' } });
  symlinkSync('/dev/zero', join(image, 'bin/endless'));
  for (const name of ['escape', 'endless', 'fd']) {
    const error = await t.throwsAsync(lab.idle({ command: [`/bin/${name}`] }, image), { instanceOf: TsrunError }, name);
    t.regex(error.code, /^ERR_TSRUN_COMMAND_NOT_(?:FOUND|EXECUTABLE)$/, name);
  }
});

here('the user and the groups', async (t) => {
  const code = 'ERR_TSRUN_USER_NOT_FOUND';
  await refused(t, { options: { user: 'ap' }, code, message: /no user "ap".*\/etc\/passwd/, hint: /app/, field: '/user' });
  await refused(t, { options: { user: 'app:wheal' }, code, message: /group "wheal"/, hint: /wheel/, field: '/user' });
  await refused(t, { options: { groups: ['no-such-group'] }, code, message: /no-such-group/, hint: /./, field: '/groups/0' });
  await refused(t, { options: { user: '70000' }, code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /user 70000 does not exist in the container, whose ids end at 65535/, hint: /userns host/, field: '/user' });
  for (const user of ['-1', '4294967295', '4294967296', '1e3', '0x0', '+1', ' 1', '1:', ':1']) {
    const error = await t.throwsAsync(lab.idle({ user }), { instanceOf: TsrunError }, user);
    t.regex(error.code, /USER_NOT_FOUND|INVALID_ARGUMENT/, user);
  }
});

here('options: what is wrong is named, with its place and the value', async (t) => {
  const code = 'ERR_TSRUN_INVALID_ARGUMENT';
  const mistakes: [unknown, string, RegExp][] = [
    [{ id: '../x' }, '/id', /\.\.\/x/],
    [{ id: '' }, '/id', /./],
    [{ command: [] }, '/command', /command/],
    [{ command: [''] }, '/command/0', /empty/],
    [{ command: ['a\0b'] }, '/command/0', /NUL/i],
    [{ env: { 'A=B': '1' } }, '/env/A=B', /=/],
    [{ cwd: 'relative' }, '/cwd', /absolute/],
    [{ hostname: 'a b' }, '/hostname', /a b/],
    [{ memory: '12 parsecs' }, '/memory', /12 parsecs/],
    [{ memory: -5 }, '/memory', /-5/],
    [{ memory: 2 ** 60 }, '/memory', /./],
    [{ pids: 0 }, '/pids', /0/],
    [{ cpus: 0 }, '/cpus', /0/],
    [{ cpusetCpus: '1-' }, '/cpusetCpus', /1-/],
    [{ ulimits: { nofile: { soft: 2, hard: 1 } } }, '/ulimits/nofile/soft', /above the hard limit/],
    [{ ulimits: { nofiles: { soft: 1, hard: 1 } } }, '/ulimits/nofiles', /nofiles/],
    [{ capAdd: ['SYS_ADMINN'] }, '/capAdd/0', /SYS_ADMINN/],
    [{ stopSignal: 'SIGFOO' }, '/stopSignal', /SIGFOO/],
    [{ umask: 0o1000 }, '/umask', /512|1000/],
    [{ oomScoreAdj: 2000 }, '/oomScoreAdj', /2000/],
    [{ network: 'bridged' }, '/network', /bridged/],
    [{ memoryy: '1g' }, '/memoryy', /memory/],
    [{ dns: ['ns.example.test'] }, '/dns/0', /ns\.example\.test/],
    [{ devices: [{ source: '/dev/none' }] }, '/devices/0/source', /does not exist/],
    [{ devices: [{ source: '/etc/passwd' }] }, '/devices/0/source', /not a device/],
  ];
  for (const [options, field, message] of mistakes) {
    const runtime = await lab.runtime();
    const error = await t.throwsAsync(runtime.run(lab.image, { command: ['true'], ...(options as RunOptions) }), { instanceOf: TsrunError }, JSON.stringify(options));
    t.is(error.code, code, error.message);
    t.is(error.field, field, error.message);
    t.regex(`${error.message} ${error.hint ?? ''}`, message);
  }
});

/** What a caller without types may pass. */
async function faultOf(t: ExecutionContext, call: () => Promise<unknown>, code: ErrorCode, field: string | undefined, says: RegExp): Promise<void> {
  const error = await t.throwsAsync(async () => call(), { instanceOf: TsrunError }, says.source);
  t.is(error.code, code, error.message);
  t.is(error.field, field, error.message);
  t.regex(`${error.message} ${error.hint ?? ''}`, says);
}

here('what is executed, signalled, stopped, changed or connected to in a live container is checked as well', async (t) => {
  const runtime = await lab.runtime();
  const container = await lab.idle();
  const invalid = 'ERR_TSRUN_INVALID_ARGUMENT';
  const wild = (value: unknown) => value as never;
  const exec = async (options: unknown) => runtime.exec(container, wild(options));
  await faultOf(t, async () => exec({ command: ['true'], usr: 'x' }), invalid, '/usr', /user/);
  await faultOf(t, async () => exec({}), invalid, '/command', /nothing/);
  await faultOf(t, async () => exec({ command: ['true'], cwd: 'x' }), invalid, '/cwd', /absolute/);
  await faultOf(t, async () => exec({ command: ['true'], user: '70000' }), invalid, '/user', /user 70000 does not exist in the container, whose ids end at 65535/);
  await faultOf(t, async () => exec({ command: ['true'], groups: [70_000] }), invalid, '/groups', /group 70000/);
  await faultOf(t, async () => exec({ command: ['true'], stdin: 9999 }), invalid, '/stdin', /descriptor 9999 is not open/);
  await faultOf(t, async () => runtime.exec(wild('web'), { command: ['true'] }), invalid, '/container', /"web"/);
  await faultOf(t, async () => lab.idle({ stderr: 9999 }), invalid, '/stderr', /descriptor 9999 is not open/);
  await faultOf(t, async () => lab.idle({ network: { fd: 9999 } }), invalid, '/network/fd', /descriptor 9999 is not open/);
  t.is((await t.throwsAsync(lab.idle({ namespaces: { uts: { fd: 9999 } } }), { instanceOf: TsrunError })).hint, 'pass one of a namespace that is open, or its path');
  await faultOf(t, async () => runtime.run(wild(undefined)), invalid, '/image', /nothing/);
  await faultOf(t, async () => runtime.run(lab.image, wild(null)), invalid, '', /null/);
  await faultOf(t, async () => lab.idle({ signal: wild('x') }), invalid, '/signal', /AbortSignal/);
  await faultOf(t, async () => lab.idle({ namespaces: wild(null) }), invalid, '/namespaces', /null/);
  await faultOf(t, async () => container.stop({ graceMs: 3e9 }), invalid, '/graceMs', /2147483647/);
  await faultOf(t, async () => container.kill(wild({})), invalid, '/signal', /an object/);
  await faultOf(t, async () => container.update(wild({ memmory: {} })), invalid, '/memmory', /memory/);
  await faultOf(t, async () => container.updateLimits(wild({ memoryy: 1 })), invalid, '/memoryy', /memory/);
  await faultOf(t, async () => container.connect(80, { host: 'fe80::1%lo' }), invalid, '/host', /interface/);
  t.is(container.exitStatus, undefined, 'and nothing came of it');
  t.is((await lab.exec(container, { command: ['id', '-G'], groups: ['wheel'] })).stdout, '0 10\n');
  await container[Symbol.asyncDispose]();
});

here('the working directory', async (t) => {
  await refused(t, { options: { cwd: '/etc/passwd' }, code: 'ERR_TSRUN_SETUP', message: /the working directory '\/etc\/passwd' is not a folder/, hint: /-w/ });
});

here('a command line or an environment of many megabytes is an error of its own, and not of the channel', async (t) => {
  const many = Array.from({ length: 3000 }, (_, index) => `${index}${'x'.repeat(1000)}`);
  await refused(t, { options: { command: ['true', ...many] }, code: 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE', message: /too long/, hint: /./ });
  t.is((await lab.sh('echo $#', { command: ['sh', '-c', 'echo $#', 'sh', ...many.slice(0, 1000)] })).stdout, '1000\n');
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
