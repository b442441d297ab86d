// Clients that do not read: the launcher neither waits for one nor keeps ever more for it, and what it keeps arrives whole.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { Container } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { launchersOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';
import { RawClient } from '../support/raw-client.js';
import { until } from '../support/until.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');
const eagain = 11;

function clientOf({ record }: Container): RawClient {
  return new RawClient(join(lab.stateRoot, 'launchers', record.launcher));
}

function launcherMemoryKb(): number {
  const [launcher] = launchersOf(lab.stateRoot);
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${String(launcher)}/status`, 'utf8'))?.[1]);
}

/** Sends requests until the launcher takes no more of them, for a while or for good. */
async function flood(client: RawClient, most: number, make: (request: number) => Parameters<RawClient['send']>[0]): Promise<number> {
  for (let request = 1; request <= most; request++) {
    for (let attempt = 0; ; attempt++) {
      const errno = client.send(make(request));
      if (errno === 0) break;
      if (errno !== eagain) throw new Error(`the launcher hung up: ${errno}, ${request}`);
      if (attempt === 20) return request - 1;
      await delay(10);
    }
  }
  return most;
}

here('a client that asks and does not read is asked no further; when it reads, it gets every answer in order', async (t) => {
  const container = await lab.idle();
  const client = clientOf(container);
  const before = launcherMemoryKb();
  const most = 100_000;
  const sent = await flood(client, most, (request) => ({ op: 'adopt', request, container: request, id: 'none', own: false }));
  t.true(sent > 100 && sent < most, `${sent} requests`);
  t.true(launcherMemoryKb() - before < 4096, `${launcherMemoryKb() - before} kB`);
  t.is((await lab.exec(container, { command: ['true'] })).status.code, 0);
  client.read();
  await until(() => client.events.length > sent, 'all answers');
  t.deepEqual(client.events.slice(1).map((event) => (event.op === 'answered' ? event.request : event.op)), Array.from({ length: sent }, (_, index) => index + 1));
  client.close();
  await container.stop({ graceMs: 0 });
});

here('descriptors for a client that does not read wait with their events', async (t) => {
  const container = await lab.idle({ stdin: 'pipe', survive: true });
  const client = clientOf(container);
  t.is(client.send({ op: 'adopt', request: 1, container: 1, id: container.id, own: false }), 0);
  const most = 3000;
  const sent = await flood(client, most, (request) => ({ op: 'attach', request: request + 1, container: 1 }));
  t.true(sent > 100 && sent < most, `${sent} requests`);
  t.is((await lab.exec(container, { command: ['true'] })).status.code, 0, 'the launcher goes on');
  client.read();
  await until(() => client.events.length === sent + 2, 'all answers');
  t.deepEqual(client.events.slice(1).map((event) => (event.op === 'answered' ? event.request : event.op)), Array.from({ length: sent + 1 }, (_, index) => index + 1));
  t.is(client.descriptors.length, sent);
  t.true(client.descriptors.every((count) => count > 0));
  client.close();
  await container.stop({ graceMs: 0 });
});

here('a client that does not read and goes is forgotten with what was kept for it', async (t) => {
  const container = await lab.idle({ stdin: 'pipe', survive: true });
  const client = clientOf(container);
  client.send({ op: 'adopt', request: 1, container: 1, id: container.id, own: false });
  await flood(client, 3000, (request) => ({ op: 'attach', request: request + 1, container: 1 }));
  client.close();
  t.is((await lab.exec(container, { command: ['true'] })).status.code, 0);
  await container.stop({ graceMs: 0 });
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
