#!/usr/bin/env node
/**
 * A small PaaS in one file, over the public API of tsrun alone. Apps are slugs that are put over HTTP; each is a formation that outlives this process.
 *
 * All that it knows of its apps is what tsrun keeps: formations in the state root, and each release as an image of the store, by the name
 * `paas/APP:N`. So it has no file of its own, and may be killed at any time.
 */
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Formation, formatLogLine, listFormations, parseQuantities, Runtime, TsrunError } from 'tsrun';

const { PAAS_STACK: stack, PAAS_API = '8000', PAAS_WEB = '8080', PAAS_STEADY_MS = '2000' } = process.env;
if (stack === undefined) throw new Error('PAAS_STACK is the image that slugs run on');

const steadyMs = Number(PAAS_STEADY_MS);
const mostSlugBytes = 500 * 2 ** 20;
const logOfPastLines = 100;

const runtime = await Runtime.open();
/** By the name of the app: its formation, and the port of this host that its web dynos are reached at. */
const apps = new Map();
/** What is done to an app is done one after the other. */
const turns = new Map();

const imageOf = (app, version) => `paas/${app}:${version}`;
const versionIn = (image) => Number(/^paas\/[^:]+:(\d+)$/.exec(image)?.[1] ?? 0);
const currentVersion = (app) => versionIn(listFormations().find(({ name }) => name === app)?.image ?? '');

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function appNamed(name) {
  const app = apps.get(name);
  if (app === undefined) throw new Refusal(404, `there is no app ${name}`);
  return app;
}

async function inTurn(name, work) {
  const before = turns.get(name) ?? Promise.resolve();
  const turn = before.catch(() => undefined).then(work);
  turns.set(name, turn);
  return turn;
}

async function serve(name, formation) {
  const { port } = await formation.listen('web', { port: 0 });
  apps.set(name, { formation, port });
}

/** Every release that is still there, the oldest first. */
async function versionsOf(name) {
  const names = (await runtime.images.list()).flatMap((image) => image.names);
  return names.flatMap((each) => {
    const [, app, version] = /(?:^|\/)paas\/([^:/]+):(\d+)$/.exec(each) ?? [];
    return app === name ? [Number(version)] : [];
  }).sort((a, b) => a - b);
}

async function deploy(name, body) {
  const version = ((await versionsOf(name)).at(-1) ?? 0) + 1;
  const folder = mkdtempSync(join(tmpdir(), 'paas-'));
  try {
    await receive(body, join(folder, 'slug.tgz'));
    await runtime.images.import(`slug:${join(folder, 'slug.tgz')}`, { name: imageOf(name, version) }).done;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const image = imageOf(name, version);
  try {
    if (apps.has(name)) await apps.get(name).formation.redeploy({ image, steadyMs });
    else await serve(name, await Formation.start(runtime, image, { name, survive: true, restart: 'docker', container: { stack } }));
  } catch (error) {
    // Nobody rolls back to what never ran.
    await runtime.images.remove(image);
    throw error;
  }
  return `${name} runs release ${version}\n`;
}

async function receive(body, path) {
  let bytes = 0;
  await pipeline(body, async function* (pieces) {
    for await (const piece of pieces) {
      bytes += piece.length;
      if (bytes > mostSlugBytes) throw new Refusal(413, `a slug has at most ${mostSlugBytes} bytes`);
      yield piece;
    }
  }, createWriteStream(path));
}

async function rollBack(name) {
  const { formation } = appNamed(name);
  const version = (await versionsOf(name)).filter((each) => each < currentVersion(name)).at(-1);
  if (version === undefined) throw new Refusal(409, `${name} has no release before this one`);
  await formation.redeploy({ image: imageOf(name, version), steadyMs });
  return `${name} runs release ${version}\n`;
}

async function scale(name, body) {
  const { formation } = appNamed(name);
  await formation.scale(parseQuantities(await text(body)));
  return formation.dynos.map((dyno) => `${dyno.name}\n`).join('');
}

async function remove(name) {
  const { formation } = appNamed(name);
  apps.delete(name);
  await formation.stop();
  for (const version of await versionsOf(name)) await runtime.images.remove(imageOf(name, version));
  return `${name} is gone\n`;
}

async function sendLogs(name, follow, response) {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = follow ? gone.signal : AbortSignal.abort();
  for await (const line of appNamed(name).formation.logs({ past: logOfPastLines, signal })) {
    if (!response.write(`${formatLogLine(line)}\n`)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}

function statusOf(name) {
  const { formation } = appNamed(name);
  return [`release ${currentVersion(name)}`, ...formation.dynos.map((dyno) => `${dyno.name} ${dyno.state} ${dyno.container?.pid ?? '-'} ${dyno.command}`)].map((line) => `${line}\n`).join('');
}

async function answer(incoming, response) {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://localhost');
  const [, name = '', what = ''] = /^\/apps\/([a-z][a-z0-9-]{0,30})(?:\/(\w+))?$/.exec(pathname) ?? [];
  if (pathname === '/apps' && incoming.method === 'GET') return [...apps.keys()].map((each) => `${each}\n`).join('');
  if (name === '') throw new Refusal(404, 'GET /apps; PUT, GET, DELETE /apps/NAME; POST /apps/NAME/rollback; PATCH /apps/NAME/formation; GET /apps/NAME/logs');
  switch (`${incoming.method} ${what}`) {
    case 'PUT ': return inTurn(name, () => deploy(name, incoming));
    case 'GET ': return statusOf(name);
    case 'DELETE ': return inTurn(name, () => remove(name));
    case 'POST rollback': return inTurn(name, () => rollBack(name));
    case 'PATCH formation': return inTurn(name, () => scale(name, incoming));
    case 'GET logs': return sendLogs(name, searchParams.get('follow') === '1', response);
    default: throw new Refusal(405, `there is no ${incoming.method} of that`);
  }
}

const api = createServer((incoming, response) => {
  answer(incoming, response).then((said) => said !== undefined && response.end(said), (error) => {
    // The caller's mistakes, and what the app itself got wrong, are no faults of the agent.
    const status = error.status ?? (TsrunError.is(error) ? 422 : 500);
    if (status === 500) console.error(error);
    if (!response.headersSent) response.writeHead(status);
    response.end(`${error.message}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`);
  });
});

/** `APP.anything` as the name of the host. The formation picks the dyno, waits where one is starting, and says in its log why a request failed. */
const web = createServer((incoming, response) => {
  const app = apps.get((incoming.headers.host ?? '').split('.', 1)[0]);
  if (app === undefined) {
    response.writeHead(404).end('no such app\n');
    return;
  }
  const { method, url, headers } = incoming;
  const passed = { ...headers, 'x-forwarded-for': incoming.socket.remoteAddress, connection: 'close' };
  const outgoing = request({ host: '127.0.0.1', port: app.port, method, path: url, headers: passed }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    pipeline(answered, response).catch(() => undefined);
  });
  outgoing.once('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(503).end('the app does not answer\n');
  });
  response.once('close', () => outgoing.destroy());
  pipeline(incoming, outgoing).catch(() => undefined);
});

// What an agent before this one has left goes on.
for (const { name, image } of listFormations()) {
  if (image.startsWith(`paas/${name}:`)) await serve(name, await Formation.adopt(runtime, name));
}
for (const [server, port] of [[api, PAAS_API], [web, PAAS_WEB]]) await once(server.listen(Number(port), '127.0.0.1'), 'listening');
console.log(`ready: apps are put at http://127.0.0.1:${PAAS_API}/apps/NAME and served at http://NAME.localhost:${PAAS_WEB}/`);

await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)));
for (const server of [api, web]) server.close().closeAllConnections();
for (const { formation } of apps.values()) await formation.leave();
await runtime.close();
