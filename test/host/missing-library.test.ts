// A program whose shared library is not in the image: its loader's line is the program's, the sentence is tsrun's.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { explainExit, Runtime } from '../../src/index.js';
import { CliLab, type Said } from '../support/cli-lab.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const cli = new CliLab();
/** For its images. */
const lab = new Lab();
const here = needs('root', 'command:gcc', 'command:ldd');

interface Built {
  readonly program: string;
  readonly library: string;
  /** The host's loader and C library. */
  readonly host: readonly string[];
}

let built: Built | undefined;

function build(): Built {
  if (built !== undefined) return built;
  const folder = mkdtempSync(join(lab.scratch, 'build-'));
  const [program, library] = [join(folder, 'app'), join(folder, 'libtiny.so.1')];
  writeFileSync(join(folder, 'tiny.c'), 'int tiny(void) { return 0; }\n');
  writeFileSync(join(folder, 'app.c'), '#include <stdio.h>\nint tiny(void);\nint main(int count, char **words) { (void)words; puts("linked"); return count > 1 ? 127 : tiny(); }\n');
  execFileSync('gcc', ['-shared', '-fPIC', '-Wl,-soname,libtiny.so.1', '-o', library, join(folder, 'tiny.c')]);
  execFileSync('gcc', ['-o', program, join(folder, 'app.c'), library]);
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
  built = { program, library, host: [...listed].map(([, path = '']) => path) };
  return built;
}

/** `library`: path in the image. */
function imageWith(library?: string): string {
  const { program, library: tiny, host } = build();
  const image = makeImage(lab, { files: { 'bin/script': '#!/bin/app\n' }, mode: 0o755 });
  const put = (source: string, path: string) => {
    mkdirSync(dirname(join(image, path)), { recursive: true });
    copyFileSync(source, join(image, path));
  };
  put(program, 'bin/app');
  for (const path of host) put(path, path);
  if (library !== undefined) put(tiny, library);
  return image;
}

const run = async (image: string, flags: readonly string[], ...command: string[]): Promise<Said> =>
  cli.tsrun(['run', '--rm', '--name', cli.newId(), ...flags, image, ...command]);

const loadersLine = /^\S*app: error while loading shared libraries: libtiny\.so\.1: cannot open shared object file.*\n/;
const sentence = /\ntsrun: '\/bin\/app' needs the shared library 'libtiny\.so\.1', which is in none of the image's library folders\nhint: .*LD_LIBRARY_PATH.* -e\n$/;

here('run tells which library is missing, after what the program said', async (t) => {
  const image = imageWith();
  for (const command of ['/bin/app', 'app', '/bin/script']) {
    const { code, stdout, stderr } = await run(image, [], command);
    t.is(code, 127, command);
    t.is(stdout, '');
    t.regex(stderr, loadersLine);
    t.regex(stderr, sentence);
  }
});

here('with the library the program runs, and its own 127 is its own', async (t) => {
  const folder = mkdtempSync(join(lab.scratch, 'volume-'));
  chmodSync(folder, 0o755);
  copyFileSync(build().library, join(folder, 'libtiny.so.1'));
  const rows: [image: string, flags: string[]][] = [
    [imageWith('usr/lib/libtiny.so.1'), []],
    [imageWith('opt/x/libtiny.so.1'), ['-e', 'LD_LIBRARY_PATH=/opt/x']],
    [imageWith(), ['-v', `${folder}:/lib/extra:ro`, '-e', 'LD_LIBRARY_PATH=/lib/extra']],
  ];
  for (const [image, flags] of rows) {
    t.like(await run(image, flags, 'app'), { code: 0, stdout: 'linked\n', stderr: '' }, flags.join(' '));
    t.like(await run(image, flags, 'app', 'more'), { code: 127, stdout: 'linked\n', stderr: '' }, flags.join(' '));
  }
});

here('control: a shell that finds no command ends with 127 as well', async (t) => {
  const { code, stderr } = await run(imageWith(), [], 'sh', '-c', 'nonesuch');
  t.is(code, 127);
  t.regex(stderr, /nonesuch.*not found\n$/);
  t.notRegex(stderr, /tsrun:/);
});

here('a library that only ldconfig would have made known', async (t) => {
  const { stderr } = await run(imageWith('usr/local/lib/libtiny.so.1'), [], 'app');
  t.regex(stderr, loadersLine);
  t.regex(stderr, /\ntsrun: '\/bin\/app' needs .* which lies in '\/usr\/local\/lib', where its loader does not look\nhint: run ldconfig in the image, .*\n$/);
});

here('exec tells it of what the container has now, by link or not', async (t) => {
  const image = imageWith('opt/tiny');
  symlinkSync('/bin/app', join(image, 'bin/other'));
  const name = cli.newId();
  await cli.tsrun(['run', '-d', '--rm', '--name', name, image, 'sleep', '1000']);
  const missing = await cli.tsrun(['exec', name, '/bin/app']);
  t.is(missing.code, 127);
  t.regex(missing.stderr, loadersLine);
  t.regex(missing.stderr, sentence);
  t.regex((await cli.tsrun(['exec', name, 'other'])).stderr, /\ntsrun: '\/bin\/other' needs/);
  t.notRegex((await cli.tsrun(['exec', name, 'sh', '-c', 'nonesuch'])).stderr, /tsrun:/);
  await cli.tsrun(['exec', name, 'ln', '-s', '/opt/tiny', '/lib/libtiny.so.1']);
  t.like(await cli.tsrun(['exec', name, 'app', 'more']), { code: 127, stdout: 'linked\n', stderr: '' });
  await cli.kill(name);
});

here('explainExit says it to programs, and waits for the end', async (t) => {
  const image = imageWith();
  await using runtime = await Runtime.open({ root: cli.stateRoot });
  const start = async (...command: string[]) => runtime.run(image, { id: cli.newId(), command });
  const container = await start('app');
  t.like(await explainExit(container), { library: 'libtiny.so.1', neededBy: '/bin/app' });
  t.is(await explainExit(await start('true')), undefined);
  const idle = await start('sleep', '1000');
  const executed = await idle.exec(['app']);
  t.like(await explainExit(executed), { library: 'libtiny.so.1' });
  await idle.killAll();
  await idle.exited;
  t.is(await explainExit(executed), undefined, 'its files went with its container');
});

test.after.always('the images are removed', () => {
  lab.removeFolders();
});

cli.declareLeakTest();
