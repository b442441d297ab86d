// Dynos in the host's own network: a port for each, and what else listens there is not theirs.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FakeClock } from '../dyno/fake-clock.js';
import { watchFormation } from '../support/dyno-lab.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new Lab();
const rooted = needs('root');
/** Nobody else's, most likely; those that take their place are a thousand further on. */
const first = 21_000 + (process.pid % 4000) * 2;

const options = (command: string, web: number) => ({ port: first, processTypes: { web: { command } }, quantities: { web }, container: { network: 'host' as const } });
const page = 'mkdir /tmp/www; echo "$DYNO $PORT" >/tmp/www/page; exec httpd -f -p $PORT -h /tmp/www';

rooted('network host: each dyno of web has a port of its own; connections are spread over them, and a new one takes the place of an old one', async (t) => {
  const watched = await watchFormation(lab, options(page, 2));
  const { formation, stop } = watched;
  const listener = await formation.listen('web', { port: 0 });
  const isUp = () => formation.dynos.length === 2 && formation.dynos.every(({ state }) => state === 'up');
  await until(isUp, 'both dynos to be up');
  const ask = async (port: number) => (await fetch(`http://127.0.0.1:${port}/page`)).text();
  const [one, two] = [`web.1 ${first}\n`, `web.2 ${first + 1}\n`];
  const both = [one, two];
  t.deepEqual([await ask(first), await ask(first + 1)], both);
  t.deepEqual([await ask(listener.port), await ask(listener.port)].sort(), both);
  await formation.restart('web.2', { preboot: true });
  t.is(await ask(first + 1001), `web.2 ${first + 1001}\n`);
  t.deepEqual([await ask(listener.port), await ask(listener.port)].sort(), [one, `web.2 ${first + 1001}\n`]);
  await formation.restart('web.2', { preboot: true });
  t.is(await ask(first + 1), two);
  await stop();
  await t.throwsAsync(ask(first));
});

rooted('network host: a port at which somebody else listens makes no dyno up', async (t) => {
  const server = createServer().listen(first, '0.0.0.0');
  await once(server, 'listening');
  const clock = new FakeClock();
  const watched = await watchFormation(lab, { ...options('exec sleep 1000', 1), clock, restart: 'never' });
  const dyno = watched.formation.dyno('web.1');
  await until(() => dyno?.container !== undefined, 'the dyno to run');
  while (watched.events.every(({ type }) => type !== 'ended')) {
    t.not(dyno?.state, 'up');
    clock.advance(500);
    await delay(10);
  }
  await watched.stop();
  server.close();
  t.true(watched.lines.includes('heroku[web.1]: Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds of launch'));
  t.deepEqual(watched.lines.filter((line) => line.includes('R11')), []);
});

rooted('network host: ports that there are not are refused', async (t) => {
  await t.throwsAsync(watchFormation(lab, { ...options('true', 2), port: 65_535 }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: 'there are not 2 ports from 65535 on' });
});

lab.declareLeakTest();
