// Ports of dynos with real servers and clients: connections while dynos come, go, crash, are replaced and sleep.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { Formation, type DynoEvent, type DynoListener, type FormationOptions } from '../../src/index.js';
import { FakeClock } from '../dyno/fake-clock.js';
import { errorOf, readAll } from '../dyno/serving/sockets.js';
import { freePort } from '../support/free-port.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { until as waitUntil } from '../support/until.js';

const lab = new Lab();
const rooted = needs('root');
const run = promisify(execFile);

const until = async (condition: () => boolean) => waitUntil(condition, 'dynos to become so');

interface Watched {
  readonly formation: Formation;
  readonly lines: string[];
  readonly events: DynoEvent[];
}

async function start(options: FormationOptions, clock?: FakeClock): Promise<Watched> {
  const formation = await Formation.start(await lab.runtime(), lab.image, { name: lab.newId(), ...options, ...(clock !== undefined && { clock }) });
  const [lines, events]: [string[], DynoEvent[]] = [[], []];
  void (async () => {
    for await (const { source, dyno, message } of formation.logs()) lines.push(`${source}[${dyno}]: ${message}`);
  })();
  void (async () => {
    for await (const event of formation.events()) events.push(event);
  })();
  return { formation, lines, events };
}

let pages: string | undefined;

/** A folder with a page and a script that says which dyno answered. */
function site(): string {
  if (pages !== undefined) return pages;
  pages = join(lab.scratch, 'site');
  mkdirSync(join(pages, 'cgi-bin'), { recursive: true });
  writeFileSync(join(pages, 'index.html'), 'hello\n');
  writeFileSync(join(pages, 'cgi-bin/who'), '#!/bin/sh\nprintf "\\r\\n%s on %s" "$DYNO" "$(hostname)"\n', { mode: 0o755 });
  return pages;
}

const web = (quantity: number, more: FormationOptions = {}): FormationOptions => ({
  ...more,
  processTypes: { web: { command: 'exec httpd -f -p $PORT -h /srv', ...more.processTypes?.['web'] } },
  quantities: { web: quantity },
  container: { mounts: siteMounts(), ...more.container },
});

const siteMounts = () => [{ type: 'bind', source: site(), destination: '/srv', readonly: true }] as const;

/** What a shell with netcat answers with: for each connection this command, over its standard streams. */
const nc = (command: string) => ({ processTypes: { web: { command: `exec nc -ll -p $PORT -e sh -c '${command}'` } } });
const allUp = async ({ dynos }: Formation) => until(() => dynos.every(({ state }) => state === 'up'));
const get = async ({ host, port }: Pick<DynoListener, 'host' | 'port'>, path = '/') => (await run('curl', ['-sS', '--max-time', '20', `http://${host}:${port}${path}`])).stdout;
const dial = ({ host, port }: DynoListener): Socket => connect({ host, port, allowHalfOpen: true }).on('error', () => undefined);
const routed = (lines: readonly string[]) => lines.filter((line) => line.includes('[router]: at=error')).map((line) => /H\d\d/.exec(line)?.[0]);

rooted('connections to one port of the host are spread over the dynos that are up; the port is closed with the formation', async (t) => {
  const { formation, lines } = await start(web(3));
  const listener = await formation.listen('web', { port: 0 });
  // They wait until a dyno is up.
  t.is(await get(listener), 'hello\n');
  await allUp(formation);
  const answers = new Map<string, number>();
  for (let turn = 0; turn < 9; turn++) {
    const who = (await get(listener, '/cgi-bin/who')).split(' ')[0] ?? '';
    answers.set(who, (answers.get(who) ?? 0) + 1);
  }
  t.deepEqual([...answers].sort(), [['web.1', 3], ['web.2', 3], ['web.3', 3]]);
  t.true(lines.includes(`heroku[router]: Listening on 127.0.0.1:${listener.port} for web`));
  await formation.stop();
  await t.throwsAsync(get(listener), { message: /Failed to connect|refused/ });
});

rooted('what is published listens before the dynos run, also on IPv6; what cannot be listened on stops the start', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const runtime = await lab.runtime();
  const name = lab.newId();
  await t.throwsAsync(start({ name, ...web(1, { publish: [{ port }] }) }), { code: 'ERR_TSRUN_HOST', message: `cannot listen on 127.0.0.1:${port}: EADDRINUSE` });
  t.false(runtime.list().some(({ id }) => id.startsWith(name)));
  taken.close();
  const six = await freePort();
  const { formation } = await start(web(1, { publish: [{ port, type: 'web', innerPort: 5000 }, { host: '::1', port: six }] }));
  t.is(await get({ host: '127.0.0.1', port }), 'hello\n');
  t.is((await run('curl', ['-sS', `http://[::1]:${six}/`])).stdout, 'hello\n');
  await formation.stop();
});

rooted('each direction of a connection ends for itself, through a dyno', async (t) => {
  const { formation } = await start({ ...nc('n=$(wc -c); echo "$n bytes"'), quantities: { web: 1 } });
  const listener = await formation.listen('web', { port: 0 });
  const socket = dial(listener);
  socket.end(Buffer.alloc(3_000_000));
  t.is(await readAll(socket), '3000000 bytes\n');
  await formation.stop();
});

rooted('a client that is reset resets the program\'s end; a dyno that is killed ends its connections', async (t) => {
  const { formation, lines } = await start({ ...nc('echo ready; if cat >/dev/null; then echo ended >&2; else echo reset >&2; fi; sleep 1000'), quantities: { web: 1 }, restart: 'never' });
  const listener = await formation.listen('web', { port: 0 });
  const [one, two] = [dial(listener), dial(listener)];
  for (const socket of [one, two]) await once(socket, 'data');
  one.resetAndDestroy();
  await until(() => lines.some((line) => line.includes('reset')));
  await formation.dyno('web.1')?.container?.killAll();
  await once(two.resume(), 'end').catch(() => undefined);
  await waitUntil(() => two.destroyed || !two.write('x'), 'the connection to be reset');
  t.not(await errorOf(two), undefined);
  const none = dial(listener);
  t.not(await errorOf(none), undefined);
  t.deepEqual(routed(lines), ['H10']);
  await formation.stop();
});

rooted('what listens elsewhere refuses: H21; a limit of connections: H22; no dynos: H14', async (t) => {
  const { formation, lines } = await start(web(1));
  await allUp(formation);
  const wrong = await formation.listen('web', { port: 0, innerPort: 5001 });
  t.not(await errorOf(dial(wrong)), undefined);
  wrong.close();
  const few = await formation.listen('web', { port: 0, mostConnections: 1 });
  const first = dial(few);
  await once(first, 'connect');
  const second = dial(few);
  await once(second.resume(), 'end');
  for (const socket of [first, second]) socket.destroy();
  await formation.scale({ web: 0 });
  t.not(await errorOf(dial(await formation.listen('web', { port: 0 }))), undefined);
  // Who reads the log may be later than the client.
  await until(() => routed(lines).includes('H14'));
  t.deepEqual([...new Set(routed(lines))], ['H21', 'H22', 'H14']);
  await formation.stop();
});

rooted('a program on IPv6 alone is reached, too', async (t) => {
  const { formation } = await start({ processTypes: { web: { command: 'exec httpd -f -p [::]:$PORT -h /srv' } }, quantities: { web: 1 }, container: { mounts: siteMounts(), sysctls: { 'net.ipv6.bindv6only': '1' } } });
  const listener = await formation.listen('web', { port: 0 });
  t.is(await get(listener), 'hello\n');
  await formation.stop();
});

/** All requests of ab, while something is done again and again. */
async function load(t: ExecutionContext, listener: DynoListener, requests: number, meanwhile: () => Promise<void>): Promise<{ readonly rounds: number; readonly text: string }> {
  const ended = new AbortController();
  const answer = run('ab', ['-r', '-s', '60', '-n', String(requests), '-c', '16', `http://${listener.host}:${listener.port}/index.html`], { maxBuffer: 1e7 }).finally(() => {
    ended.abort();
  });
  let rounds = 0;
  for (; !ended.signal.aborted; rounds++) await meanwhile();
  const { stdout } = await answer;
  t.regex(stdout, new RegExp(`Complete requests: +${requests}\\n`));
  t.regex(stdout, /Failed requests: +0\n/);
  t.notRegex(stdout, /Non-2xx/);
  return { rounds, text: stdout };
}

const requests = process.env['TSRUN_LONG'] === '1' ? 100_000 : 5000;

needs('root', 'command:ab')('no request fails while dynos are replaced one after the other, over and over', async (t) => {
  // So many take five minutes where nothing else runs.
  t.timeout(requests > 5000 ? 1_400_000 : 600_000);
  const { formation, lines } = await start(web(2));
  const listener = await formation.listen('web', { port: 0 });
  await allUp(formation);
  const pids = () => formation.dynos.map(({ container }) => container?.pid);
  const before = pids();
  const { rounds, text } = await load(t, listener, requests, async () => formation.restart('web', { preboot: true, rolling: true }));
  t.true(rounds > 0);
  t.true(pids().every((pid, index) => pid !== before[index]));
  t.deepEqual(routed(lines), []);
  t.log(`${rounds} rolling restarts; ${/Requests per second: +[\d.]+/.exec(text)?.[0] ?? ''}`);
  await formation.stop();
});

needs('root', 'command:ab')('no request fails while all are replaced at once, scaled, or restarted one after the other without preboot', async (t) => {
  t.timeout(600_000);
  const { formation, lines } = await start(web(2, { processTypes: { web: { preboot: true } } }));
  const listener = await formation.listen('web', { port: 0 });
  await allUp(formation);
  await load(t, listener, 2000, async () => {
    await formation.restart('web');
    await formation.scale({ web: 3 });
    await formation.restart('web', { preboot: false, rolling: true });
    await formation.scale({ web: 1 });
    await formation.scale({ web: 2 });
  });
  t.deepEqual(routed(lines), []);
  await formation.stop();
});

rooted('with preboot the old dyno stays until the new one is up, has time for its connections, and stays for good where that does not come', async (t) => {
  const command = 'if test -e /srv/broken; then exit 3; fi; exec nc -ll -p $PORT -e sh -c "echo \\$(cat /proc/sys/kernel/random/boot_id; hostname); cat"';
  const { formation, lines, events } = await start({ processTypes: { web: { command, restart: 'never', preboot: true } }, quantities: { web: 1 }, container: { mounts: siteMounts() } });
  const listener = await formation.listen('web', { port: 0 });
  const open = dial(listener);
  await once(open, 'data');
  const old = formation.dyno('web.1');
  const restarted = formation.restart('web');
  await until(() => formation.dyno('web.1') !== old);
  t.is(old?.state, 'up');
  open.write('still here');
  const echo: unknown[] = await once(open, 'data');
  t.is(String(echo[0]), 'still here');
  open.end();
  await readAll(open);
  await restarted;
  t.is(old?.state, 'down');
  const at = (text: string) => lines.findIndex((line) => line.includes(text));
  t.true(at('Stopping all processes') > lines.lastIndexOf('heroku[web.1]: State changed from starting to up'));
  writeFileSync(join(site(), 'broken'), '');
  const kept = formation.dyno('web.1');
  await t.throwsAsync(formation.restart('web'), { code: 'ERR_TSRUN_STATE', message: 'the new web.1 did not come up, it is crashed' });
  t.is(formation.dyno('web.1'), kept);
  t.is(kept?.state, 'up');
  t.true(events.some((event) => event.type === 'ended' && event.death.code === 3));
  await formation.stop();
});

rooted('cycling replaces a dyno that has preboot', async (t) => {
  const clock = new FakeClock();
  const { formation, lines } = await start(web(1, { processTypes: { web: { preboot: true, restart: { on: 'always', delaysMs: [0], mostDelayMs: 0, cycling: { everyMs: 1000, jitterMs: 0 } } } } }), clock);
  // The clock of the port watch is turned, too.
  const up = async (old?: unknown) => waitUntil(() => {
    clock.advance(10);
    return formation.dyno('web.1')?.state === 'up' && formation.dyno('web.1') !== old;
  }, 'a dyno to be up');
  await up();
  const first = formation.dyno('web.1');
  clock.advance(1000);
  await up(first);
  await until(() => first?.state === 'down');
  t.true(lines.includes('heroku[web.1]: Cycling'));
  await formation.stop();
});

rooted('dynos sleep when nobody asks for anything; the first connection wakes them, and waits', async (t) => {
  const { formation, lines } = await start(web(2, { processTypes: { web: { idle: { afterMs: 200 } } } }));
  const listener = await formation.listen('web', { port: 0 });
  // One may sleep before the other is up, and more than once.
  const slept = () => ['web.1', 'web.2'].every((dyno) => lines.includes(`heroku[${dyno}]: Idling`)) && formation.dynos.every(({ state }) => state === 'idle');
  await until(slept);
  t.is(await get(listener), 'hello\n');
  await until(slept);
  const of = lines.filter((line) => line.startsWith('heroku[web.2]')).map((line) => line.replace('heroku[web.2]: ', ''));
  const idling = of.indexOf('Idling');
  t.is(of[idling + 3], 'State changed from up to down');
  t.deepEqual(of.slice(idling + 4, idling + 6), ['Unidling', 'State changed from down to starting']);
  t.deepEqual(routed(lines), []);
  await formation.stop();
});

rooted('what cannot be published is refused', async (t) => {
  const { formation } = await start({ processTypes: { worker: { command: 'exec sleep 1000' }, web: { command: 'exec sleep 1000' } }, quantities: { worker: 1 } });
  const rows: [type: string, options: unknown, message: RegExp][] = [
    ['wbe', { port: 0 }, /there is no process type "wbe"/],
    ['worker', { port: 0 }, /the dynos of "worker" have no PORT/],
    ['web', {}, /\/port/],
    ['web', { port: 65_536 }, /\/port: expected an integer from 0 to 65535/],
    ['web', { port: 0, host: 'localhost' }, /\/host: expected an IP address/],
    ['web', { port: 0, mostConnections: 0 }, /mostConnections/],
    ['web', { port: 0, prot: 1 }, /prot/],
  ];
  // @ts-expect-error as a program without types may
  for (const [type, options, message] of rows) await t.throwsAsync(formation.listen(type, options), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message }, JSON.stringify(options));
  // @ts-expect-error as a program without types may
  await t.throwsAsync(formation.restart('worker', { preboots: true }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  await formation.stop();
  await t.throwsAsync(formation.listen('web', { port: 0 }), { code: 'ERR_TSRUN_STATE' });
  const runtime = await lab.runtime();
  for (const more of [{ publish: [{ port: -1 }] }, { processTypes: { web: { idle: { afterMs: 0 } } } }, { processTypes: { web: { drainMs: -1 } } }]) {
    await t.throwsAsync(Formation.start(runtime, lab.image, more), { code: 'ERR_TSRUN_INVALID_ARGUMENT' }, JSON.stringify(more));
  }
});

lab.declareLeakTest();
