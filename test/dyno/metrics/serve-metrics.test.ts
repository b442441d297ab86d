import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { parseMetricsAddress, serveMetrics } from '../../../src/dyno/metrics/serve-metrics.js';

const formation = { metrics: async () => Promise.resolve('tsrun_dyno_up 1\n# EOF\n') };

function portOf(address: object): number {
  return 'port' in address ? Number(address.port) : Number.NaN;
}

test('metrics over HTTP, on a port of the loopback', async (t) => {
  await using server = await serveMetrics(formation, { host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${portOf(server.address)}`;
  const answer = await fetch(`${url}/metrics?x=1`);
  t.is(answer.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  t.is(await answer.text(), 'tsrun_dyno_up 1\n# EOF\n');
  const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
  t.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '22', '']);
  t.is((await fetch(url)).status, 404);
  t.is((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status, 405);
  await t.throwsAsync(serveMetrics(formation, { host: '127.0.0.1', port: portOf(server.address) }), { code: 'ERR_TSRUN_HOST', message: /127\.0\.0\.1 port \d+.*EADDRINUSE/ });
});

test('on a Unix socket, which goes with the server', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-metrics-'));
  const path = join(folder, 'socket');
  const ask = async () => new Promise<string>((resolve, reject) => {
    request({ socketPath: path, path: '/metrics', agent: false }, (response) => {
      text(response).then(resolve, reject);
    }).once('error', reject).end();
  });
  const server = await serveMetrics(formation, { path });
  t.is(await ask(), 'tsrun_dyno_up 1\n# EOF\n');
  await server[Symbol.asyncDispose]();
  await t.throwsAsync(ask(), { code: 'ENOENT' });
  rmSync(folder, { recursive: true });
});

test('a socket that a killed process has left is replaced; one that somebody answers at is not, nor anything else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-metrics-'));
  const path = join(folder, 'socket');
  spawnSync(process.execPath, ['-e', 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))', path]);
  t.true(lstatSync(path).isSocket());
  {
    await using server = await serveMetrics(formation, { path });
    t.deepEqual(server.address, { path });
    await t.throwsAsync(serveMetrics(formation, { path }), { code: 'ERR_TSRUN_HOST', message: /EADDRINUSE/ });
    t.true(lstatSync(path).isSocket());
  }
  writeFileSync(path, 'mine');
  await t.throwsAsync(serveMetrics(formation, { path }), { code: 'ERR_TSRUN_HOST', message: /EADDRINUSE/ });
  t.is(readFileSync(path, 'utf8'), 'mine');
  rmSync(folder, { recursive: true });
});

test('of two that find the socket of a killed process one has its place, and keeps it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-metrics-'));
  const path = join(folder, 'socket');
  for (let round = 0; round < 10; round++) {
    spawnSync(process.execPath, ['-e', 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))', path]);
    const [one, two] = await Promise.allSettled([serveMetrics(formation, { path }), serveMetrics(formation, { path })]);
    t.deepEqual([one, two].map(({ status }) => status).sort(), ['fulfilled', 'rejected'], `round ${round}`);
    t.deepEqual(readdirSync(folder), ['socket']);
    await t.throwsAsync(serveMetrics(formation, { path }), { code: 'ERR_TSRUN_HOST', message: /EADDRINUSE/ }, 'it answers');
    for (const each of [one, two]) if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]();
    t.deepEqual(readdirSync(folder), []);
  }
  rmSync(folder, { recursive: true });
});

test('the folder of a formation is its own: the socket of an agent that is dead is nobody else\'s place', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-metrics-'));
  writeFileSync(join(folder, 'formation.json'), '{}');
  const error = await t.throwsAsync(serveMetrics(formation, { path: join(folder, 'agent') }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /in the folder of a formation/ });
  t.like(error, { field: '/address' });
  t.deepEqual(readdirSync(folder), ['formation.json']);
  rmSync(folder, { recursive: true });
});

test('who asks while they cannot be had is cut off', async (t) => {
  await using server = await serveMetrics({ metrics: async () => Promise.reject(new Error('no')) }, { host: '127.0.0.1', port: 0 });
  await t.throwsAsync(fetch(`http://127.0.0.1:${portOf(server.address)}/metrics`));
});

test('addresses in a word: of the loopback, or a path', (t) => {
  t.deepEqual(parseMetricsAddress('127.0.0.1:9394'), { host: '127.0.0.1', port: 9394 });
  t.deepEqual(parseMetricsAddress('127.9.9.9:0'), { host: '127.9.9.9', port: 0 });
  t.deepEqual(parseMetricsAddress('[::1]:1'), { host: '::1', port: 1 });
  t.deepEqual(parseMetricsAddress('./metrics.sock'), { path: './metrics.sock' });
  for (const word of ['', '9394', ':9394', '0.0.0.0:9394', '10.0.0.1:1', '[::]:1', '::1:1', '127.0.0.1', '127.0.0.1:65536', '127.0.0.1:x', '127.0.0.300:1', 'localhost:1', `/${'x'.repeat(107)}`, '/a\0b']) {
    t.throws(() => parseMetricsAddress(word), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /metrics are not served at/ }, word);
  }
});
