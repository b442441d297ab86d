// Which programs the dynos of an image run: of a slug's Procfile, of buildpacks' process types, or the image's own.
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatLogLine, Formation, type FormationOptions } from '../../src/index.js';
import { packFolder, writeLayout } from '../support/image-layouts.js';
import { makeImage } from '../support/images.js';
import { fixture, Lab } from '../support/lab.js';
import { makeSlug } from '../support/slug.js';
import { needs } from '../support/needs.js';
import { until as waitUntil } from '../support/until.js';

const lab = new Lab();
const rooted = needs('root', 'userns', 'overlay');

/** Starts it, waits until a line of an app has this, and gives all lines without their times. */
async function linesOf(image: string, options: FormationOptions, last: RegExp): Promise<readonly string[]> {
  const formation = await Formation.start(await lab.runtime(), image, { name: lab.newId(), ...options });
  const lines: string[] = [];
  const read = (async () => {
    for await (const line of formation.logs()) lines.push(formatLogLine(line).slice(33));
  })();
  await waitUntil(() => lines.some((line) => last.test(line)), `${last}`);
  await formation.stop();
  await read;
  return lines;
}

rooted('A1: a slug on a stack: its Procfile, its profile scripts after the config vars, its folder and user', async (t) => {
  const image = makeSlug(lab.scratch, {
    Procfile: 'web: sleep 1000\nworker: echo "$DYNO $GREETING $ADDED $HOME $(pwd) $(id -u) ${PORT-none}" && sleep 1000\n',
    '.profile.d/10-a.sh': 'export ADDED="$GREETING-added"',
  });
  const options = { quantities: { worker: 1 }, env: { GREETING: 'hello' }, container: { stack: fixture('debian') } };
  const lines = await linesOf(image, options, /app\[worker\.1\]: worker\.1/);
  t.true(lines.includes('heroku[worker.1]: Starting process with command `echo "$DYNO $GREETING $ADDED $HOME $(pwd) $(id -u) ${PORT-none}" && sleep 1000`'));
  t.true(lines.some((line) => /^app\[worker\.1\]: worker\.1 hello hello-added \/app \/app [1-9]\d* none$/.test(line)), lines.join('\n'));
  const other = await linesOf(image, { ...options, processTypes: { worker: { command: 'echo "instead of it: $ADDED"; sleep 1000' } } }, /app\[worker\.1\]: instead/);
  t.true(other.includes('app[worker.1]: instead of it: hello-added'), 'a command of the caller boots as the slug does');
});

rooted('R17: a slug with another checksum: nothing is started of it, neither at first nor when a dyno comes back', async (t) => {
  const image = makeSlug(lab.scratch, { Procfile: 'worker: exec sleep 1000\n' });
  const file = image.replace(/^slug:/, '');
  const checksumOf = (path: string) => `SHA256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
  const [right, wrong] = [checksumOf(file), `SHA256:${'0'.repeat(64)}`];
  const line = (expected: string, actual: string) => `Error R17 (Checksum error) -> Checksum does match expected value. Expected: ${expected} Actual: ${actual}`;
  const options = (checksum: string): FormationOptions => ({ name: lab.newId(), quantities: { worker: 1 }, restart: 'never', container: { stack: fixture('debian'), checksum } });
  await t.throwsAsync(Formation.start(await lab.runtime(), image, options(wrong)), { code: 'ERR_TSRUN_IMAGE', message: line(wrong, right) });
  const formation = await Formation.start(await lab.runtime(), image, options(right));
  await waitUntil(() => formation.dyno('worker.1')?.state === 'up', 'the dyno to be up');
  copyFileSync(makeSlug(lab.scratch, { Procfile: 'worker: echo not the same\n' }).replace(/^slug:/, ''), file);
  await formation.restart();
  await waitUntil(() => formation.dyno('worker.1')?.state === 'crashed', 'the dyno to crash');
  await formation.stop();
  const said: string[] = [];
  for await (const { source, message } of formation.logs()) said.push(`${source}: ${message}`);
  const at = said.indexOf(`heroku: ${line(right, checksumOf(file))}`);
  t.true(at > 0, said.join('\n'));
  t.is(said[at + 1], 'heroku: State changed from starting to crashed');
});

rooted('an image without process types has web, which is its own program, and not as root', async (t) => {
  const layer = packFolder(makeImage(lab, { files: {} }));
  const { path } = writeLayout(join(lab.scratch, 'plain'), [layer], { Entrypoint: ['sh', '-c'], Cmd: ['echo "$0 $(id -u) on $PORT"; exec httpd -f -p $PORT'], User: 'root' });
  const lines = await linesOf(path, {}, /starting to up/);
  t.true(lines.includes('heroku[web.1]: Starting process with command `sh -c echo "$0 $(id -u) on $PORT"; exec httpd -f -p $PORT`'));
  t.true(lines.includes('app[web.1]: sh 1000 on 5000'));
  await t.throwsAsync(Formation.start(await lab.runtime(), path, { quantities: { worker: 1 } }), { message: /there is no process type "worker"/ });
});

rooted('an image of buildpacks has their process types', async (t) => {
  const programs = { 'cnb/process/web': '#!/bin/sh\nexec httpd -f -p $PORT\n', 'cnb/process/job': '#!/bin/sh\necho "$0 as $(id -u)"; exec sleep 1000\n' };
  const layer = packFolder(makeImage(lab, { files: programs, mode: 0o755 }));
  const { path } = writeLayout(join(lab.scratch, 'cnb'), [layer], { User: '1234', Entrypoint: ['/cnb/process/web'], Labels: { 'io.buildpacks.build.metadata': '{"processes":[{"type":"web"},{"type":"job"}]}' } });
  const lines = await linesOf(path, { quantities: { web: 1, job: 1 } }, /^app\[job/);
  t.true(lines.includes('app[job.1]: /cnb/process/job as 1234'));
});

rooted('what runs beside the types of an image of buildpacks is run by its launcher; its label says what a type runs', async (t) => {
  const programs = {
    'cnb/process/job': '#!/bin/sh\nfor word in "$0" "$@"; do printf "[%s]" "$word"; done; echo\n',
    'cnb/lifecycle/launcher': '#!/bin/sh\n[ $# = 1 ] && APP=made exec sh -c "$1"\n',
  };
  const layer = packFolder(makeImage(lab, { files: programs, mode: 0o755 }));
  const processes = [{ type: 'job', command: ['bundle', 'exec'], args: ['rake jobs'], direct: true, 'working-dir': '/workspace' }, { type: 'old', command: 'puma', args: null, direct: false }];
  const { path } = writeLayout(join(lab.scratch, 'cnb-one-off'), [layer], { User: '1234', Entrypoint: ['/cnb/lifecycle/launcher'], Labels: { 'io.buildpacks.build.metadata': JSON.stringify({ processes }) } });
  const formation = await Formation.start(await lab.runtime(), path, { name: lab.newId(), quantities: {}, processTypes: { line: { command: 'echo "line $APP"' } } });
  t.deepEqual(formation.processTypes, ['line', 'job', 'old']);
  for (const command of ['job', 'job 42 "a  b"', 'line too', 'echo "$APP"']) await (await formation.run(command)).exited;
  await formation.stop();
  const messages: string[] = [];
  for await (const { message } of formation.logs()) messages.push(message);
  for (const message of ['[/cnb/process/job]', '[/cnb/process/job][42][a  b]', 'line made too', 'made']) t.true(messages.includes(message), message);
  t.true(messages.includes('Starting process with command `bundle exec rake jobs 42 "a  b"`'));
});

lab.declareLeakTest();
