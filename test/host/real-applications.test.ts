/**
 * Applications as their makers' tools pack them, run by the command as it is installed: a slug on a stack, a docker-archive, an OCI layout,
 * and an image of a registry. Commands that look at them run in this process. rootfs-fixtures/applications.mjs makes them; no tool of ours had a hand in it.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Runtime } from '../../src/index.js';
import { said, type Said } from '../support/cli-lab.js';
import { CommandLab } from '../support/command-lab.js';
import { ask } from '../support/http.js';
import { readObject } from '../support/json.js';
import { fixture, patience } from '../support/lab.js';
import { needs, type Need } from '../support/needs.js';
import { RealRegistry, skopeo } from '../support/real-registry.js';

const lab = new CommandLab();
const common: readonly Need[] = ['root', 'userns', 'overlay'];
const [architecture, machine] = process.arch === 'x64' ? ['amd64', 'x86_64'] : ['arm64', 'aarch64'];

/** Hundreds of megabytes are unpacked and hashed. */
function declare(more: readonly Need[], title: string, body: (t: ExecutionContext) => Promise<void>): void {
  needs(...common, ...more)(title, async (t) => {
    t.timeout(120_000 * patience);
    await body(t);
  });
}

let folder: string | undefined;

function image(name: string): string {
  folder ??= fixture('applications');
  return join(folder, name);
}

interface Server {
  readonly child: ChildProcess;
  readonly ended: Promise<Said>;
}

/** Until its program says that it listens. */
async function serve(...words: readonly string[]): Promise<Server> {
  const child = lab.spawn(words);
  const ended = said(child);
  const listens = new Promise<void>((resolve) => {
    child.stdout?.on('data', (text: string) => {
      if (text.includes('listening')) resolve();
    });
  });
  const early = await Promise.race([listens, ended]);
  if (early !== undefined) throw new Error(`it ended: ${early.stderr}`);
  return { child, ended };
}

/** Through a socket in the network namespace of the container. */
async function get(id: string, port: number, path: string): Promise<string> {
  const runtime = await Runtime.open({ root: lab.stateRoot });
  try {
    return (await ask(await runtime.find(id), port, path)).body;
  } finally {
    await runtime.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function succeeds(t: ExecutionContext, ended: Promise<Said>): Promise<string> {
  const { code, stdout, stderr } = await ended;
  t.is(code, 0, stderr);
  return stdout;
}

const run = async (t: ExecutionContext, ...words: readonly string[]): Promise<string> => succeeds(t, lab.tsrun(['run', ...words]));
const call = async (t: ExecutionContext, ...words: readonly string[]): Promise<string> => succeeds(t, lab.call(words));

declare([], 'a Node web app as a slug, on a stack that debootstrap made: it boots as a dyno does, answers on PORT, and ends in order', async (t) => {
  const stack = ['--quiet', '--stack', `oci:${image('stack')}:debian`];
  const port = await freePort();
  const { child, ended } = await serve('run', '--rm', '--name', lab.newId(), ...stack, '--network', 'host', '-e', `PORT=${port}`, `slug:${image('web.tgz')}`);
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  t.deepEqual(await answer.json(), {
    greeting: 'hello from node', mode: 'production', stack: 'debian', node: '/app/.heroku/node/bin/node', version: process.version, architecture: process.arch,
    pid: 1, uid: 1000, homedir: '/home/app', folder: '/app',
  });
  t.is(await (await fetch(`http://127.0.0.1:${port}/hello/dyno`)).text(), 'hello dyno\n');
  child.kill('SIGTERM');
  t.like(await ended, { code: 0, stdout: `listening on ${port}\nSIGTERM: closing\nclosed after 2 requests\n`, stderr: '' });
  t.is(await run(t, '--rm', '--name', lab.newId(), ...stack, '--process', 'release', image('web.tgz')), `hello from node, release phase on debian by ${process.version}\n`);
});

declare([], 'a Python app from a docker-archive: its user, environment, folder, signal and health check are those of its image', async (t) => {
  const id = lab.newId();
  t.is((await run(t, '-d', '--quiet', '--name', id, image('python.tar'))).trim(), id);
  const { record } = readObject(await call(t, 'inspect', id));
  t.like(record, { healthcheck: { Test: ['CMD', 'python3', 'check.py', '8000'], Interval: 5e9, Timeout: 30e9, Retries: 3 } });
  await lab.until('the app', async () => (await call(t, 'logs', id)).includes('listening on 8000\n'));
  t.deepEqual(JSON.parse(await get(id, 8000, '/who')), {
    path: '/who', greeting: 'hello from Python', user: 'app', uid: 1000, gid: 1, folder: '/srv/python', machine,
  });
  const check = async (checked: string): Promise<number | null> => (await lab.tsrun(['exec', id, 'python3', 'check.py', checked])).code;
  t.deepEqual([await check('8000'), await check('8001')], [0, 1], 'the check itself, and a control');
  await call(t, 'stop', id);
  t.is(await call(t, 'logs', id), 'listening on 8000\nSIGINT: closing\n');
  t.like(readObject(await call(t, 'inspect', id)), { state: 'stopped', exit: { code: 3, cause: 'exit' } });
  await call(t, 'rm', id);
});

declare([], 'busybox from an OCI layout serves the page of its upper layer', async (t) => {
  const id = lab.newId();
  const child = lab.spawn(['run', '--rm', '--quiet', '--init', '--name', id, `oci:${image('site')}:v1`]);
  const ended = said(child);
  await lab.until('the server', async () => get(id, 8080, '/').then((page) => page === '<h1>from busybox</h1>\n', () => false));
  child.kill('SIGTERM');
  t.is((await ended).code, 143);
});

const registries: RealRegistry[] = [];
test.after.always(async () => {
  for (const registry of registries) await registry.stop();
});

declare(['command:docker-registry', 'command:skopeo'], 'an image that skopeo pushed is pulled and run; what skopeo saves of it runs as well', async (t) => {
  const scratch = join(lab.imageRoot, 'registry');
  const registry = await RealRegistry.start(scratch);
  registries.push(registry);
  const name = `${registry.host}/team/site:v1`;
  const archive = join(scratch, 'my-app.tar');
  skopeo('copy', '--override-arch', architecture, '--format', 'v2s2', '--dest-tls-verify=false', `oci:${image('site')}:v1`, `docker://${name}`);
  skopeo('copy', '--src-tls-verify=false', `docker://${name}`, `docker-archive:${archive}:my-app:latest`);
  const show = ['--entrypoint', 'cat'];
  const store = ['--root-dir', join(scratch, 'store')];
  const shown = async (reference: string): Promise<string> => run(t, '--rm', '--quiet', '--name', lab.newId(), ...store, ...show, reference, '/srv/www/index.html');
  t.is(await shown(name), '<h1>from busybox</h1>\n');
  await registry.stop();
  t.is(await shown(name), '<h1>from busybox</h1>\n', 'it is here now');
  t.is(await shown(archive), '<h1>from busybox</h1>\n');
  t.is(readdirSync(join(scratch, 'store/layers')).length, 2, 'the layers of both are the same');
  rmSync(scratch, { recursive: true });
});

lab.declareLeakTest();
