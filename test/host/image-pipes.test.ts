// Images by standard input and standard output.
import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ImageProgress } from '../../src/index.js';
import { openTemporaryFile } from '../../src/image/sources/temporary-file.js';
import { makeImage } from '../support/images.js';
import { CommandLab } from '../support/command-lab.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { saveImages } from '../support/saved-images.js';
import { until } from '../support/until.js';

const lab = new CommandLab();
/** For its folders alone. */
const folders = new Lab();
const here = needs('root', 'userns', 'overlay');

let made: string | undefined;
function archive(): string {
  return (made ??= saveImages(join(folders.scratch, 'app.tar'), { names: ['team/app:v1'], layers: [makeImage(folders)], config: { Cmd: ['true'] } }));
}

here('what comes and goes by a pipe leaves nothing when tsrun is killed, and nothing but the archive when it is not', async (t) => {
  await lab.call(['load', '-q', archive()]);
  const temporary = mkdtempSync(join(folders.scratch, 'temporary-'));
  const left = () => [readdirSync(temporary), readdirSync(join(lab.imageRoot, 'tmp'))];
  process.env['TMPDIR'] = temporary;
  t.teardown(() => { delete process.env['TMPDIR']; });
  const loading = lab.spawn(['load', '-q']);
  loading.stdin?.write(readFileSync(archive()).subarray(0, 100_000));
  await until(() => openedBy(loading).some((path) => path.startsWith(lab.imageRoot) && path.endsWith('(deleted)')), 'the file without a name');
  const saving = lab.spawn(['save', '-q', 'team/app:v1']);
  await once(saving.stdout ?? process.stdin, 'readable');
  t.deepEqual(left(), [[], []], 'not even while they work');
  for (const child of [loading, saving]) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  t.deepEqual(left(), [[], []]);
  const whole = await lab.shell('$tsrun save -q team/app:v1 | $tsrun load -q');
  t.deepEqual([whole.code, whole.stdout], [0, 'Loaded image: team/app:v1\n'], whole.stderr);
  const early = await lab.shell('{ $tsrun save -q team/app:v1; echo $? >&2; } | head -c 10 >/dev/null');
  t.is(early.stderr, '141\n', 'a reader that has enough');
  t.deepEqual(left(), [[], []]);
});

function openedBy({ pid }: ChildProcess): string[] {
  const folder = `/proc/${pid ?? 'self'}/fd`;
  return readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(join(folder, fd));
    } catch {
      return '';
    }
  });
}

here('how far standard input is read is told, as of every other source', async (t) => {
  const heard = await lab.shell(`$tsrun load < '${archive()}'`);
  t.deepEqual([heard.code, heard.stdout], [0, 'Loaded image: team/app:v1\n']);
  t.regex(heard.stderr, /^image: fetched \([\d.]+[KM]iB\)\n/);
  const runtime = await folders.runtime();
  const work = runtime.images.import(createReadStream('', { fd: openSync(archive(), 'r') }));
  const read = new Map<string, ImageProgress>();
  for await (const each of work) if (each.digest === undefined && each.stage === 'fetching') read.set(each.stage, each);
  const { size } = statSync(archive());
  t.deepEqual([...read.values()], [{ stage: 'fetching', doneBytes: size, totalBytes: size, finished: true }]);
});

here('what is wrong with standard input is said of standard input', async (t) => {
  for (const [input, said] of [['echo text', 'standard input is a file that is no image'], ['true', 'standard input is an empty file'], [`head -c 600 '${archive()}'`, 'standard input is cut short']] as const) {
    const { code, stderr } = await lab.shell(`${input} | $tsrun load -q`);
    t.is(code, 1);
    t.true(stderr.startsWith(`tsrun: ${said}`), stderr);
  }
});

needs('root', 'command:mount')('where a file system has no files without a name, one is taken away at once', async (t) => {
  const folder = mkdtempSync(join(folders.scratch, 'nameless-'));
  execFileSync('mount', ['-t', 'mqueue', 'none', folder]);
  t.teardown(() => { execFileSync('umount', [folder]); });
  const handle = await openTemporaryFile(folder);
  t.deepEqual(readdirSync(folder), []);
  t.regex(readlinkSync(`/proc/self/fd/${handle.fd}`), /\/source-[\da-f-]+ \(deleted\)$/, 'control: it had one');
  await handle.close();
});

test.after.always(() => {
  folders.removeFolders();
});

lab.declareLeakTest();
