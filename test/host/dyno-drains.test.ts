// Drains of real dynos, into receivers that are not ours.
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Formation, type DrainChoice, type DynoEvent, type FormationOptions, type LogLine } from '../../src/index.js';
import { FakeHosts } from '../support/fake-registry.js';
import { Lab } from '../support/lab.js';
import { Journal, journald, Rsyslog } from '../support/log-receivers.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new Lab();
const rooted = needs('root');
const withRsyslog = needs('root', 'command:rsyslogd', 'command:openssl');

async function start(command: string, drains: readonly DrainChoice[], more: FormationOptions = {}): Promise<{ formation: Formation; events: DynoEvent[]; stop: () => Promise<void> }> {
  const formation = await Formation.start(await lab.runtime(), lab.image, { name: lab.newId(), processTypes: { worker: { command } }, quantities: { worker: 1 }, restart: 'never', drains, ...more });
  const events: DynoEvent[] = [];
  const read = (async () => {
    for await (const event of formation.events()) events.push(event);
  })();
  return {
    formation,
    events,
    stop: async () => {
      await formation.stop();
      await read;
    },
  };
}

const folder = (name: string) => mkdtempSync(join(lab.scratch, `${name}-`));
const hasEnded = (formation: Formation) => formation.dynos.every(({ state }) => state === 'complete');
/** With lines that are long, empty, and not ASCII. */
const printing = (count: number) => `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "line $i é"; done; head -c 9000 /dev/zero | tr '\\0' x; echo; echo last`;
const longLine = 'x'.repeat(9000);

for (const transport of ['syslog', 'syslog+udp', 'syslog+tls'] as const) {
  for (const framing of transport === 'syslog+udp' ? ([''] as const) : (['octets', 'lf'] as const)) {
    withRsyslog(`B8: rsyslog understands what comes over ${transport}${framing === '' ? '' : `, ${framing}`}`, async (t) => {
      const hosts = new FakeHosts();
      const certificate = transport === 'syslog+tls' ? hosts.certificate('rsyslog') : undefined;
      const receiver = await Rsyslog.start(folder('rsyslog'), certificate);
      try {
        const to = `${transport}://127.0.0.1:${receiver.port}${framing === '' ? '' : `?framing=${framing}`}`;
        const { formation, stop } = await start(printing(50), [{ to, token: 'd.1234', ...(certificate !== undefined && { ca: certificate.ca }) }]);
        await until(() => hasEnded(formation) && receiver.lines.some((line) => line.endsWith('to complete')), 'the last line to come');
        const [drain] = formation.drains;
        await stop();
        const seen = receiver.lines;
        for (const line of seen) t.regex(line, /^(?:190|134) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 d\.1234 (?:app|heroku) worker\.1 - - /);
        const messages = seen.map((line) => line.replace(/^(\S+ ){7}/, '').trim());
        for (let line = 1; line <= 50; line++) t.true(messages.includes(`line ${line} é`), `line ${line}`);
        for (const message of [longLine, 'last', 'State changed from provisioning to starting', 'Process exited with status 0']) t.true(messages.includes(message), message.slice(0, 40));
        t.is(seen.find((line) => line.includes('Process exited'))?.startsWith('134 '), true);
        t.deepEqual([drain?.delivered, drain?.dropped, drain?.lost, drain?.held], [seen.length, 0, 0, 0]);
      } finally {
        await receiver.stop();
        hosts.remove();
      }
    });
  }
}

withRsyslog('a receiver whose certificate nobody vouches for gets no line', async (t) => {
  const hosts = new FakeHosts();
  const certificate = hosts.certificate('rsyslog');
  const receiver = await Rsyslog.start(folder('untrusted'), certificate);
  try {
    const to = `syslog+tls://127.0.0.1:${receiver.port}`;
    const { formation, events, stop } = await start('echo secret; sleep 1000', [to]);
    await until(() => events.some(({ type }) => type === 'drain'), 'the drain to fail');
    const lines: LogLine[] = [];
    for await (const line of formation.logs()) {
      lines.push(line);
      if (line.dyno === 'logplex') break;
    }
    t.is(lines.at(-1)?.message, `Error L14 (certificate validation): error="bad certificate" uri="${to}/"`);
    const failed = events.flatMap((event) => (event.type === 'drain' ? [event] : []))[0];
    t.is(failed?.state, 'failing');
    t.regex(failed?.error?.message ?? '', /certificate is not to be trusted/);
    await stop();
    t.deepEqual(receiver.lines, []);
  } finally {
    await receiver.stop();
    hosts.remove();
  }
});

needs('root', `file:${journald}`)('the journal has an entry a line, with fields to select by, however large', async (t) => {
  const journal = await Journal.start();
  try {
    const { formation, stop } = await start(printing(300), [`journald:${journal.socket}`]);
    await until(() => hasEnded(formation), 'the dyno to end');
    await stop();
    await until(() => journal.entries(formation.name).some(({ MESSAGE }) => MESSAGE === 'Process exited with status 0'), 'the last entry');
    const entries = journal.entries(formation.name);
    const app = entries.filter(({ TSRUN_SOURCE }) => TSRUN_SOURCE === 'app').map(({ MESSAGE }) => MESSAGE);
    t.deepEqual(app, [...Array.from({ length: 300 }, (_, index) => `line ${index + 1} é`), longLine, 'last']);
    t.like(entries.find(({ MESSAGE }) => MESSAGE === 'last'), { SYSLOG_IDENTIFIER: 'worker.1', TSRUN_DYNO: 'worker.1', PRIORITY: '6' });
  } finally {
    await journal.stop();
  }
});

rooted('a file is renamed when it is full, and no line is lost or cut', async (t) => {
  const at = folder('files');
  const { formation, stop } = await start('i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "$i 0123456789012345678901234567890123456789"; done', [
    `file://${at}/app.log?max=64k&keep=20`, `file://${at}/few.json?max=64k&keep=1&form=json`,
  ]);
  await until(() => hasEnded(formation), 'the dyno to end');
  await stop();
  const names = readdirSync(at).filter((name) => name.startsWith('app.log')).sort((a, b) => Number(b.slice(8)) - Number(a.slice(8)));
  t.true(names.length > 3, names.join());
  const numbers = names.flatMap((name) => readFileSync(join(at, name), 'utf8').split('\n')).flatMap((line) => /app\[worker\.1\]: (\d+) \d{40}$/.exec(line)?.[1] ?? []);
  t.deepEqual(numbers, Array.from({ length: 3000 }, (_, index) => String(index + 1)));
  t.deepEqual(readdirSync(at).filter((name) => name.startsWith('few')).sort(), ['few.json', 'few.json.1']);
  for (const line of readFileSync(join(at, 'few.json'), 'utf8').trimEnd().split('\n')) t.notThrows(() => { JSON.parse(line); });
});

rooted('a sink that blocks makes the dyno wait, and gets all of it; the others take what they can', async (t) => {
  let count = 0;
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const { formation, stop } = await start('yes 012345678901234567890123456789 | head -n 200000; echo last', [
    { to: async (lines) => { await gate; count += lines.filter(({ message }) => message.startsWith('0123')).length; }, blocks: true, bufferBytes: 100_000 },
    { to: async () => gate, bufferBytes: 100_000 },
  ]);
  const [blocking, dropping] = formation.drains;
  await until(() => (blocking?.held ?? 0) * 94 > 100_000, 'the sink to be full');
  t.is(blocking?.dropped, 0);
  t.is(formation.dyno('worker.1')?.state, 'up');
  open();
  await until(() => hasEnded(formation), 'the dyno to end');
  await stop();
  t.is(count, 200_000);
  t.is(blocking?.dropped, 0);
  t.is(blocking?.delivered, (dropping?.delivered ?? 0) + (dropping?.dropped ?? 0));
});

rooted('a sink that blocks for ever does not keep a formation from ending', async (t) => {
  const { formation, stop } = await start('yes', [{ to: async () => new Promise(() => undefined), blocks: true, bufferBytes: 10_000 }]);
  await until(() => (formation.drains[0]?.held ?? 0) > 100, 'the sink to be full');
  const [drain] = formation.drains;
  if (drain !== undefined) await formation.removeDrain(drain);
  t.deepEqual(formation.drains, []);
  await formation.addDrain({ to: async () => new Promise(() => undefined), blocks: true, bufferBytes: 10_000 });
  await stop();
  t.deepEqual(formation.drains, []);
  if (drain !== undefined) await t.throwsAsync(formation.removeDrain(drain), { code: 'ERR_TSRUN_NOT_FOUND' });
});

interface Post {
  readonly headers: IncomingMessage['headers'];
  readonly url: string;
  readonly body: string;
}

async function httpsReceiver(certificate: { cert: string; key: string }, answer: (post: Post, response: ServerResponse) => void): Promise<{ server: Server; port: number; posts: Post[] }> {
  const posts: Post[] = [];
  const server = createServer(certificate, (request, response) => {
    void text(request).then((body) => {
      const post = { headers: request.headers, url: `${request.method ?? ''} ${request.url ?? ''}`, body };
      posts.push(post);
      answer(post, response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0, posts };
}

/** As a receiver reads them: by their lengths in bytes alone. */
function frames(body: string): string[] {
  const found: string[] = [];
  let rest = Buffer.from(body);
  while (rest.length > 0) {
    const space = rest.indexOf(0x20);
    const length = Number(rest.toString('utf8', 0, space));
    found.push(rest.toString('utf8', space + 1, space + 1 + length));
    rest = rest.subarray(space + 1 + length);
  }
  return found;
}

needs('root', 'command:openssl')('B8: an HTTPS drain is what Heroku\'s is: headers, frames, and the same frame id after a 500', async (t) => {
  const hosts = new FakeHosts();
  const certificate = hosts.certificate('https');
  let answers = 0;
  const { server, port, posts } = await httpsReceiver(certificate, (_, response) => response.writeHead(answers++ === 0 ? 500 : 204).end());
  try {
    const at = join(folder('ca'), 'ca.pem');
    writeFileSync(at, certificate.ca);
    const { formation, events, stop } = await start(`${printing(20)}; sleep 1000`, [`https://user:geheim@127.0.0.1:${port}/logs?key=1#token=d.1234&ca=${at}`]);
    await until(() => (formation.drains[0]?.delivered ?? 0) > 20, 'lines to be delivered');
    const [drain] = formation.drains;
    await stop();
    const [first, second] = posts;
    t.is(first?.url, 'POST /logs?key=1');
    t.like(first?.headers, { 'content-type': 'application/logplex-1', 'logplex-drain-token': 'd.1234', 'user-agent': 'Logplex/v72', 'logplex-msg-count': String(frames(first?.body ?? '').length), authorization: `Basic ${Buffer.from('user:geheim').toString('base64')}` });
    t.deepEqual([second?.headers['logplex-frame-id'], second?.body], [first?.headers['logplex-frame-id'], first?.body]);
    const taken = posts.slice(1);
    t.is(new Set(taken.map(({ headers }) => headers['logplex-frame-id'])).size, taken.length);
    const all = taken.flatMap(({ body }) => frames(body));
    for (const frame of all) t.regex(frame, /^<(?:190|134)>1 \S+ host (?:app|heroku) worker\.1 - [^\n]*\n$/);
    t.is(drain?.delivered, all.length);
    t.deepEqual(all.flatMap((frame) => /- (line \d+) é\n$/.exec(frame)?.[1] ?? []), Array.from({ length: 20 }, (_, index) => `line ${index + 1}`));
    t.true(all.some((frame) => frame.endsWith('Stopping all processes with SIGTERM\n')));
    const told = events.flatMap((event) => (event.type === 'drain' ? [event] : []));
    t.deepEqual(told.map(({ state }) => state), ['failing', 'working']);
    t.regex(told[0]?.error?.message ?? '', /answered with status 500/);
    t.notRegex(JSON.stringify(told) + String(told[0]?.error?.stack), /geheim/);
  } finally {
    server.close();
    server.closeAllConnections();
    hosts.remove();
  }
});

rooted('drains that cannot be are refused before anything is started, without a word of their passwords', async (t) => {
  const error = await t.throwsAsync(start('true', ['https://user:geheim@h/', 'htps://user:geheim@h/']), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /option \/drains\/1: no drain goes over "htps"/ });
  t.notRegex(String(error.stack), /geheim/);
  await t.throwsAsync(start('true', [{ to: 'journald:', token: 'a b' }]), { message: /\/drains\/0\/token/ });
});

lab.declareLeakTest();
