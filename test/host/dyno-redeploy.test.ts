// Redeploying: another stack under a slug, or another image, one dyno after the other, and all back where one does not come up.
import type { DynoEvent, Formation } from '../../src/index.js';
import { watchFormation } from '../support/dyno-lab.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { makeSlug, makeStack } from '../support/slug.js';
import { until } from '../support/until.js';

const lab = new Lab();
const rooted = needs('root', 'userns', 'overlay');

const procfile = 'clock: echo "clock on $(cat /etc/stack)"; exec tick\nweb: echo "web on $(cat /etc/stack)"; exec serve\n';
const slug = () => makeSlug(lab.scratch, { Procfile: procfile });
const stack = (name: string, programs?: Readonly<Record<string, string>>) => makeStack(lab, name, programs);

/** What each dyno said last of its stack. */
function stacksIn(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(lines.flatMap((line) => {
    const [, dyno, name] = /^app\[(\S+)\]: \w+ on (\w+)$/.exec(line) ?? [];
    return dyno === undefined || name === undefined ? [] : [[dyno, name]];
  }));
}

const up = async ({ dynos }: Formation) => until(() => dynos.every(({ state }) => state === 'up'), 'all dynos');

/** How many dynos were not up at once. */
function mostDown(events: readonly DynoEvent[]): number {
  const states = new Map<string, string>();
  let most = 0;
  for (const event of events) {
    if (event.type !== 'state') continue;
    states.set(event.dyno, event.to);
    most = Math.max(most, [...states.values()].filter((state) => state !== 'up').length);
  }
  return most;
}

rooted('another stack under a slug: one dyno after the other; what does not boot takes all of them back', async (t) => {
  const [one, two, broken] = [stack('one'), stack('two'), makeImage(lab, { files: { 'etc/stack': 'broken' } })];
  const watched = await watchFormation(lab, { image: slug(), quantities: { web: 2, clock: 1 }, container: { stack: one } });
  const { formation, lines, events } = watched;
  await up(formation);
  t.deepEqual(stacksIn(lines), { 'web.1': 'one', 'web.2': 'one', 'clock.1': 'one' });
  const begun = events.length;
  await formation.redeploy({ stack: two, steadyMs: 200 });
  t.deepEqual(stacksIn(lines), { 'web.1': 'two', 'web.2': 'two', 'clock.1': 'two' });
  t.is(mostDown(events.slice(begun)), 1);
  t.true(formation.dynos.every(({ state }) => state === 'up'));
  await formation.restart('clock.1');
  await up(formation);
  t.is(stacksIn(lines)['clock.1'], 'two');

  const before = formation.dynos;
  await t.throwsAsync(formation.redeploy({ stack: broken, steadyMs: 200 }), { code: 'ERR_TSRUN_STATE', message: 'the new clock.1 did not come up, it is crashed' });
  await up(formation);
  t.deepEqual(formation.dynos.slice(1), before.slice(1), 'those that were not yet replaced go on as they are');
  await until(() => stacksIn(lines.slice(-6))['clock.1'] === 'two', 'the clock');
  t.is((await (await formation.run('test $(cat /etc/stack) = two')).exited).code, 0);
  await watched.stop();
});

rooted('metadata: a dyno knows its app and release, the next release has the next number, and what the platform says itself goes before', async (t) => {
  const told = { clock: { command: 'echo "$HEROKU_APP_NAME $HEROKU_RELEASE_VERSION $HEROKU_RELEASE_CREATED_AT"; echo "I am $HEROKU_DYNO_ID"; exec tick' } };
  const watched = await watchFormation(lab, { image: slug(), quantities: { clock: 1 }, processTypes: told, container: { stack: stack('first') }, metadata: true, platformEnv: { HEROKU_APP_NAME: 'mine' } });
  const { formation, lines } = watched;
  await up(formation);
  await formation.redeploy({ stack: stack('second'), steadyMs: 200 });
  const releases = lines.flatMap((line) => /^app\[clock\.1\]: mine (v\d) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/.exec(line)?.slice(1) ?? []);
  const [, first = '', , second = ''] = releases;
  t.deepEqual([releases[0], releases[2]], ['v1', 'v2']);
  t.true(first <= second);
  await formation.restart('clock.1');
  await up(formation);
  const instances = () => lines.flatMap((line) => /^app\[clock\.1\]: I am ([\da-f-]{36})$/.exec(line)?.slice(1) ?? []);
  await until(() => instances().length === 3, 'the one that was restarted');
  t.is(new Set(instances()).size, 3, 'each start is an instance of its own');
  t.is(formation.dyno('clock.1')?.instance, instances().at(-1));
  await watched.stop();
});

rooted('a stack that some types do not run on: those that were swapped already go back too', async (t) => {
  const rich = stack('rich');
  const worse = stack('worse', { serve: 'exit 3' });
  const watched = await watchFormation(lab, { image: slug(), quantities: { web: 1, clock: 1 }, container: { stack: rich }, restart: 'docker' });
  const { formation, lines } = watched;
  await up(formation);
  await t.throwsAsync(formation.redeploy({ stack: worse, steadyMs: 200 }), { code: 'ERR_TSRUN_STATE', message: /^the new web\.1 did not come up/ });
  t.true(lines.includes('app[clock.1]: clock on worse'));
  await up(formation);
  await until(() => stacksIn(lines)['web.1'] === 'rich', 'web');
  t.deepEqual(stacksIn(lines), { 'web.1': 'rich', 'clock.1': 'rich' });
  await watched.stop();
});

rooted('a program that ends soon after it was up is none that came up', async (t) => {
  const worse = stack('worse', { tick: 'sleep 0.3; exit 3' });
  const watched = await watchFormation(lab, { image: makeSlug(lab.scratch, { Procfile: 'clock: exec tick\n' }), quantities: { clock: 1 }, container: { stack: stack('well') } });
  await up(watched.formation);
  await t.throwsAsync(watched.formation.redeploy({ stack: worse, steadyMs: 5000 }), { message: /^the new clock\.1 did not come up/ });
  await up(watched.formation);
  await watched.stop();
});

rooted('what cannot be is refused before anything is changed; a stop in the middle of it ends it', async (t) => {
  const watched = await watchFormation(lab, { image: slug(), quantities: { clock: 2 }, container: { stack: stack('one') } });
  const { formation } = watched;
  await up(formation);
  const before = formation.dynos;
  const { container } = before[0] ?? {};
  await t.throwsAsync(formation.redeploy({ stack: '' }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  await t.throwsAsync(formation.redeploy({ stack: './no-such-stack' }));
  await t.throwsAsync(formation.redeploy({ image: makeSlug(lab.scratch, { Procfile: 'web: true\n' }) }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /no process type "clock"/ });
  await t.throwsAsync(formation.redeploy({ image: makeSlug(lab.scratch, { Procfile: `release: exit 4\n${procfile}` }) }), { code: 'ERR_TSRUN_RELEASE' });
  t.deepEqual(formation.dynos, before);
  t.is(formation.dynos[0]?.container, container);
  const ended = formation.redeploy({ image: makeSlug(lab.scratch, { Procfile: procfile }), steadyMs: 60_000 });
  await until(() => formation.dynos[0] !== before[0] && formation.dynos[0]?.state === 'up', 'the first new one');
  await watched.stop();
  await t.throwsAsync(ended, { code: 'ERR_TSRUN_STATE' });
});

for (const what of ['stack', 'image'] as const) {
  rooted(`another ${what}, each new dyno up before the old one ends: of the old ones none is left`, async (t) => {
    const [one, two] = [stack(`${what}-one`), stack(`${what}-two`)];
    const watched = await watchFormation(lab, { image: slug(), quantities: { web: 1, clock: 2 }, container: { stack: one } });
    const { formation, events } = watched;
    await up(formation);
    const [before, begun] = [formation.dynos.map(({ container }) => container), events.length];
    const change = what === 'stack' ? { stack: two } : { image: makeSlug(lab.scratch, { Procfile: procfile, 'new.txt': 'new' }) };
    await formation.redeploy({ ...change, preboot: true, steadyMs: 200 });
    t.deepEqual(formation.dynos.map(({ name, state }) => `${name} ${state}`), ['clock.1 up', 'clock.2 up', 'web.1 up']);
    for (const container of before) t.is((await container?.exited)?.code, 143, container?.id);
    const known = (await lab.runtime()).list().map(({ id }) => id).filter((id) => id.startsWith(`${formation.name}.`));
    t.deepEqual(known.sort(), formation.dynos.map(({ container }) => container?.id ?? '').sort());
    const firstDown = events.slice(begun).findIndex((event) => event.type === 'state' && event.from === 'up');
    t.true(events.slice(begun, begun + firstDown).some((event) => event.type === 'state' && event.to === 'up'), 'the first new one was up by then');
    await watched.stop();
  });
}

lab.declareLeakTest();
