// The profile heroku-container: an image whose config says all that Heroku does not heed.
import { join } from 'node:path';
import { Formation, type FormationOptions } from '../../src/index.js';
import type { RunConfig } from '../../src/image/documents.js';
import { packFolder, writeLayout } from '../support/image-layouts.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { makeSlug } from '../support/slug.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new Lab();
const rooted = needs('root', 'userns', 'overlay');
const profile = 'heroku-container';

/** Says who it is, what is mounted and what it may; hears what it is asked to end by. */
const program = [
  '#!/bin/sh',
  'trap "echo asked by TERM; exit 0" TERM',
  'trap "echo asked by USR1; exit 0" USR1',
  'echo "id $(id -u):$(id -g):$(id -G)"; whoami 2>&1',
  'grep -E " /(data|new) " /proc/mounts; echo "mounts seen"',
  'grep -E "Cap(Eff|Prm|Bnd)" /proc/self/status | tr -d "\\t" | tr "\\n" " "; echo',
  'touch /data/mine 2>&1; touch /root/mine 2>&1; touch /tmp/mine && echo "tmp written"',
  'echo "port $PORT dyno $DYNO said $SAID in $(pwd) of [$*]"',
  'httpd -f -p "$PORT" & wait; sleep 1000',
].join('\n');

const config: RunConfig = {
  User: 'root', StopSignal: 'SIGUSR1', Volumes: { '/data': {}, '/new': {} }, ExposedPorts: { '80/tcp': {} }, Healthcheck: { Test: ['CMD', 'false'], Interval: 1_000_000_000 },
  Env: ['PATH=/bin:/usr/bin:/usr/sbin:/sbin', 'SAID=this'], WorkingDir: '/srv', Cmd: ['program', 'a b', '$PORT'],
};

let made = 0;

function imageOf(own: RunConfig): string {
  const folder = makeImage(lab, { files: { 'bin/program': program }, folders: ['data', 'root', 'srv'], mode: 0o755 });
  return writeLayout(join(lab.scratch, `profile-${made++}`), [packFolder(folder)], own).path;
}

async function messagesOf(image: string, options: FormationOptions = {}): Promise<readonly string[]> {
  const formation = await Formation.start(await lab.runtime(), image, { name: lab.newId(), profile, restart: 'never', ...options });
  await until(() => formation.dynos.every(({ state }) => state === 'up' || state === 'crashed'), 'the dynos to be up');
  await formation.stop();
  const messages: string[] = [];
  for await (const { message } of formation.logs()) messages.push(message);
  return messages;
}

rooted('an image is run as Heroku runs it, whatever its USER, VOLUME, EXPOSE, STOPSIGNAL and HEALTHCHECK say', async (t) => {
  const messages = await messagesOf(imageOf(config));
  const has = (message: string) => t.true(messages.includes(message), `${message}\n${messages.join('\n')}`);
  has('Starting process with command `program a\\ b \\$PORT`');
  const [, uid, gid, groups] = /^id (\d+):(\d+):(.*)$/.exec(messages.find((message) => message.startsWith('id ')) ?? '') ?? [];
  t.true(Number(uid) >= 20_000 && gid === uid && groups === uid, messages.join('\n'));
  has(`whoami: unknown uid ${uid}`);
  t.is(messages[messages.indexOf('mounts seen') - 1], `whoami: unknown uid ${uid}`, 'no volume is mounted');
  has('CapPrm:0000000000000000 CapEff:0000000000000000 CapBnd:0000000000000000 ');
  has('touch: /data/mine: Permission denied');
  has('touch: /root/mine: Permission denied');
  has('tmp written');
  has('port 5000 dyno web.1 said this in /srv of [a b $PORT]');
  has('State changed from starting to up');
  has('asked by TERM');
  t.false(messages.some((message) => message.includes('USR1') || message.includes('HEALTHCHECK')));
});

rooted('the same image is another one without the profile', async (t) => {
  const image = imageOf(config);
  const formation = await Formation.start(await lab.runtime(), image, { name: lab.newId() });
  await until(() => formation.dyno('web.1')?.state === 'up', 'the dyno to be up');
  await formation.stop();
  const messages: string[] = [];
  for await (const { message } of formation.logs()) messages.push(message);
  t.true(messages.includes('id 1000:1000:1000') && messages.some((message) => message.includes(' /data tmpfs ')), messages.join('\n'));
});

rooted('ENTRYPOINT has the command as one word; one-off dynos and lines of process types have it before them as well', async (t) => {
  const image = imageOf({ ...config, Entrypoint: ['/bin/sh', '-c', 'for word; do printf "[%s]" "$word"; done; echo; exec sleep 1000', 'entry'], Cmd: ['haproxy', '-f', '/etc/haproxy.cfg'] });
  const messages = await messagesOf(image, { processTypes: { worker: { command: 'rake  jobs' } }, quantities: { worker: 1 }, env: { PORT: '5000' } });
  t.true(messages.includes('[rake  jobs]'), messages.join('\n'));
  const formation = await Formation.start(await lab.runtime(), imageOf({ ...config, Entrypoint: ['/bin/echo', 'entry'] }), { name: lab.newId(), profile, quantities: {} });
  const oneOffs = await Promise.all(['id -u', 'id -g'].map(async (line) => formation.run(line)));
  for (const oneOff of oneOffs) t.is((await oneOff.exited).code, 0);
  await formation.stop();
  const said: string[] = [];
  for await (const { source, message } of formation.logs()) if (source === 'app') said.push(message);
  t.deepEqual(said.sort(), ['entry id -g', 'entry id -u']);
});

rooted('an image without CMD has no web, one with process types of buildpacks has none of them, and a slug is no image', async (t) => {
  const runtime = await lab.runtime();
  const message = /Cmd: no command specified for process type web$/;
  await t.throwsAsync(Formation.start(runtime, imageOf({ ...config, Cmd: [] }), { profile }), { code: 'ERR_TSRUN_IMAGE', message });
  const labels = { 'io.buildpacks.build.metadata': '{"processes":[{"type":"web"},{"type":"job"}]}' };
  await t.throwsAsync(Formation.start(runtime, imageOf({ Entrypoint: ['/cnb/process/web'], Labels: labels }), { profile }), { code: 'ERR_TSRUN_IMAGE', message });
  await t.throwsAsync(Formation.start(runtime, makeSlug(lab.scratch, { Procfile: 'web: true\n' }), { profile }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /the profile heroku-container is about images, and .* is a slug/ });
  await t.throwsAsync(Formation.start(runtime, imageOf(config), { profile, container: { user: '0' } }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /option \/container\/user: the profile/ });
});

rooted('who adopts a formation has its profile, and a redeployment to an image without CMD changes nothing', async (t) => {
  const name = lab.newId();
  const runtime = await lab.runtime();
  const first = await Formation.start(runtime, imageOf(config), { name, profile, survive: true });
  await until(() => first.dyno('web.1')?.state === 'up', 'the dyno to be up');
  await first.leave();
  const formation = await Formation.adopt(runtime, name);
  const { container } = formation.dyno('web.1') ?? {};
  await t.throwsAsync(formation.redeploy({ image: imageOf({ ...config, Cmd: [] }) }), { code: 'ERR_TSRUN_IMAGE' });
  t.is(formation.dyno('web.1')?.container, container);
  await formation.restart('web.1');
  await until(() => formation.dyno('web.1')?.state === 'up', 'the dyno to be up again');
  await formation.stop();
  const ids: string[] = [];
  for await (const { message } of formation.logs()) if (message.startsWith('id ')) ids.push(message);
  t.is(ids.length, 2);
  for (const id of ids) t.regex(id, /^id [2-5]\d{4}:/);
});

lab.declareLeakTest();
