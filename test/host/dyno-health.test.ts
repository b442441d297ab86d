// Health checks with real programs: what makes a dyno up, what takes its connections away, what ends it.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Formation, type DynoEvent, type FormationOptions, type HealthCheck, type HealthProbe } from '../../src/index.js';
import { packFolder, writeLayout } from '../support/image-layouts.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { until as waitUntil } from '../support/until.js';

const lab = new Lab();
const rooted = needs('root');
const until = async (condition: () => boolean) => waitUntil(condition, 'a dyno to become so');

async function start(command: string, health: readonly HealthCheck[] | 'image', more: FormationOptions = {}, type = 'web') {
  const formation = await Formation.start(await lab.runtime(), lab.image, { name: lab.newId(), processTypes: { [type]: { command, health } }, quantities: { [type]: 1 }, restart: 'never', container: { user: 'root' }, ...more });
  const [lines, events]: [string[], DynoEvent[]] = [[], []];
  void (async () => {
    for await (const { source, message } of formation.logs()) lines.push(`${source}: ${message}`);
  })();
  void (async () => {
    for await (const event of formation.events()) events.push(event);
  })();
  const [dyno] = formation.dynos;
  if (dyno === undefined) throw new Error('there is no dyno');
  return { formation, dyno, lines, events, health: () => events.flatMap((event) => (event.type === 'health' ? [`${event.purpose} ${event.check} ${event.status}`] : [])) };
}

const serving = 'mkdir -p /tmp/www; echo hello world >/tmp/www/well; exec httpd -f -p $PORT -h /tmp/www';
const quick = { intervalMs: 50, timeoutMs: 2000 } as const;

rooted('a dyno with startup checks is up when they have passed, and not when it listens', async (t) => {
  const { formation, dyno, lines, health } = await start(serving.replace('exec httpd', '(sleep 0.4; touch /tmp/ready) & exec httpd'), [
    { purpose: 'startup', probe: { type: 'http', path: '/well', contains: 'hello' }, ...quick },
    { purpose: 'startup', name: 'migrated', probe: { type: 'exec', command: 'test -e /tmp/ready' }, ...quick },
  ]);
  await until(() => health().includes('startup http /well healthy'));
  t.is(dyno.state, 'starting');
  await until(() => dyno.state === 'up');
  t.deepEqual(health(), ['startup http /well healthy', 'startup migrated healthy']);
  t.true(dyno.isReady);
  await formation.stop();
  t.false(lines.some((line) => line.includes('check')));
});

rooted('one that does not pass its startup checks is ended: unhealthy, and a crash', async (t) => {
  const { formation, dyno, lines } = await start(serving, [{ purpose: 'startup', probe: { type: 'http', path: '/none' }, ...quick, retries: 3 }]);
  await until(() => dyno.state === 'crashed');
  t.deepEqual([dyno.lastDeath?.cause, dyno.crashes], ['unhealthy', 1]);
  await until(() => lines.length >= 6);
  t.deepEqual(lines.slice(2), [
    'heroku: Startup check failed: http /none: status 404',
    'heroku: Stopping all processes with SIGTERM',
    'heroku: Process exited with status 143',
    'heroku: State changed from starting to crashed',
  ]);
  await formation.stop();
});

rooted('each kind of probe says what is wrong', async (t) => {
  const rows: [probe: HealthProbe, why: RegExp | undefined][] = [
    [{ type: 'tcp' }, undefined],
    [{ type: 'tcp', port: 1 }, /takes no connection to 127\.0\.0\.1 port 1: ECONNREFUSED/],
    [{ type: 'http', path: '/well' }, undefined],
    [{ type: 'http', path: '/well', contains: 'goodbye' }, /^its answer does not contain "goodbye"$/],
    [{ type: 'http', port: 6000 }, /socket hang up|no answer within/],
    [{ type: 'exec', command: 'exit 0' }, undefined],
    [{ type: 'exec', command: ['sh', '-c', 'echo bad; echo worse >&2; exit 4'] }, /^exit code 4: bad\nworse$|^exit code 4: bad.{1,4}worse$/],
    [{ type: 'exec', command: ['/no/such'] }, /no such|not found|\/no\/such/],
    [{ type: 'exec', command: 'sleep 1000' }, /^no answer within 0\.5 s$/],
    [{ type: 'exec', command: 'head -c 1000000 /dev/zero; exit 3' }, /^exit code 3: .{1,1300}$/],
    [{ type: 'alive' }, undefined],
  ];
  const checks = rows.map(([probe, why], index): HealthCheck => ({ purpose: 'liveness', name: String(index), probe, intervalMs: 60_000, timeoutMs: why?.source.includes('no answer') === true ? 500 : 30_000, retries: 1, action: 'none' }));
  const { formation, dyno, lines } = await start(`(while :; do nc -l -p 6000 </dev/null; done) & sleep 0.2; ${serving}`, checks);
  await until(() => dyno.health.every(({ status }) => status !== 'starting'));
  for (const [index, { status, lastFailure, failures }] of dyno.health.entries()) {
    const [probe, why] = rows[index] ?? [];
    t.is(status, why === undefined ? 'healthy' : 'unhealthy', JSON.stringify([probe, lastFailure]));
    t.is(failures, why === undefined ? 0 : 1);
    if (why === undefined) t.is(lastFailure, undefined);
    else t.regex(lastFailure ?? '', why);
  }
  t.is(dyno.state, 'up');
  t.true(dyno.container !== undefined);
  await formation.stop();
  t.false(lines.some((line) => line.includes('check')), 'action none says nothing');
});

rooted('liveness that fails ends a dyno, which its restart policy brings back', async (t) => {
  const { formation, dyno, lines, health } = await start('rm -f /tmp/sick; exec sleep 1000', [{ purpose: 'liveness', name: 'well', probe: { type: 'exec', command: 'test ! -e /tmp/sick' }, ...quick, retries: 2 }], { restart: 'docker' }, 'worker');
  await until(() => health().includes('liveness well healthy'));
  const pid = dyno.container?.pid;
  await dyno.container?.exec(['touch', '/tmp/sick']);
  await until(() => dyno.lastDeath !== undefined && dyno.state === 'up');
  t.is(dyno.lastDeath?.cause, 'unhealthy');
  t.not(dyno.container?.pid, pid);
  t.true(lines.includes('heroku: Liveness check failed: well: exit code 1'));
  await until(() => health().filter((each) => each === 'liveness well healthy').length === 2);
  await formation.stop();
});

rooted('readiness that fails takes a dyno its connections and nothing else, until it passes again', async (t) => {
  const { formation, dyno, lines, health } = await start(serving, [{ purpose: 'readiness', probe: { type: 'http', path: '/well' }, ...quick, retries: 1 }]);
  await until(() => dyno.isReady);
  const { container } = dyno;
  await container?.exec(['mv', '/tmp/www/well', '/tmp/www/ill']);
  await until(() => !dyno.isReady);
  t.is(dyno.state, 'up');
  await container?.exec(['mv', '/tmp/www/ill', '/tmp/www/well']);
  await until(() => dyno.isReady && lines.includes('heroku: Readiness check passed: http /well'));
  t.is(dyno.container, container);
  t.true(lines.includes('heroku: Readiness check failed: http /well: status 404'));
  t.deepEqual(health(), ['healthy', 'unhealthy', 'healthy'].map((status) => `readiness http /well ${status}`));
  await formation.stop();
});

rooted('an image\'s own HEALTHCHECK is asked when that is chosen, and reports', async (t) => {
  const layer = packFolder(makeImage(lab, {}));
  const { path } = writeLayout(join(lab.scratch, 'checked'), [layer], { User: '1234', Cmd: ['sleep', '1000'], Healthcheck: { Test: ['CMD-SHELL', 'id -u; exit 1'], Interval: 50_000_000, Retries: 2 } });
  const formation = await Formation.start(await lab.runtime(), path, { name: lab.newId(), processTypes: { web: { health: 'image' }, job: { command: 'sleep 1000', health: 'image' } }, quantities: { job: 1 } });
  const [dyno] = formation.dynos;
  await until(() => dyno?.health[0]?.status === 'unhealthy');
  t.deepEqual([dyno?.health[0]?.lastFailure, dyno?.health[0]?.name, dyno?.state], ['exit code 1: 1234', 'HEALTHCHECK', 'up']);
  await formation.stop();
});

rooted('a dyno that is stopped while it is asked is asked no more', async (t) => {
  const { formation, dyno } = await start('exec sleep 1000', [{ purpose: 'liveness', probe: { type: 'exec', command: 'sleep 1000' }, ...quick }], {}, 'worker');
  await until(() => dyno.state === 'up');
  await delay(100);
  await formation.stop();
  t.is(dyno.lastDeath?.cause, 'stop');
  t.is(dyno.health[0]?.status, 'starting');
});

rooted('what cannot be asked of a check is refused before anything is started', async (t) => {
  const rows: [health: unknown, message: RegExp][] = [
    ['images', /health/],
    [[{ purpose: 'life', probe: { type: 'tcp' } }], /\/health\/0\/purpose: expected a purpose/],
    [[{ purpose: 'liveness', probe: { type: 'udp' } }], /\/health\/0\/probe\/type/],
    [[{ purpose: 'liveness', probe: { type: 'http', path: 'x' } }], /\/probe\/path: expected a path that starts with "\/"/],
    [[{ purpose: 'liveness', probe: { type: 'http', path: '/a b' } }], /\/probe\/path/],
    [[{ purpose: 'liveness', probe: { type: 'http', headers: { A: 'x\r\ny' } } }], /\/probe\/headers/],
    [[{ purpose: 'liveness', probe: { type: 'tcp' }, intervalMs: 0 }], /intervalMs/],
    [[{ purpose: 'liveness', probe: { type: 'tcp' }, action: 'reboot' }], /action/],
    [[{ purpose: 'liveness', probe: { type: 'tcp' }, name: 'a\nb' }], /name/],
    ['image', /the image has no HEALTHCHECK/],
  ];
  // @ts-expect-error as a program without types may
  for (const [health, message] of rows) await t.throwsAsync(start('sleep 1000', health), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message }, JSON.stringify(health));
});

lab.declareLeakTest();
