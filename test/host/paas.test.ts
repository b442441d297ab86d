// examples/paas, as its README has it: by curl, with an agent that is killed in between.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CliLab } from '../support/cli-lab.js';
import { freePort } from '../support/free-port.js';
import { needs } from '../support/needs.js';
import { makeSlug, makeStack } from '../support/slug.js';
import { until } from '../support/until.js';

const lab = new CliLab();
const agentFile = join(resolve(import.meta.dirname, '../../..'), 'examples/paas/paas.mjs');

class Paas {
  readonly #api: number;
  readonly #web: number;
  readonly #env: NodeJS.ProcessEnv;
  agent: ChildProcess | undefined;

  constructor(stack: string, api: number, web: number) {
    [this.#api, this.#web] = [api, web];
    this.#env = { ...process.env, ...lab.env, PAAS_STACK: stack, PAAS_API: String(api), PAAS_WEB: String(web), PAAS_STEADY_MS: '200' };
  }

  async start(): Promise<void> {
    this.agent = spawn(process.execPath, [agentFile], { env: this.#env, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(this.agent.stdout ?? this.agent, 'data');
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const ended = once(this.agent ?? process, 'exit');
    this.agent?.kill(signal);
    await ended;
  }

  /** Of the API: what it says, and the status as a last line. */
  api(path: string, ...words: readonly string[]): string {
    return curl([...words, '-w', '%{http_code}', `http://127.0.0.1:${this.#api}${path}`]);
  }

  web(app: string): string {
    return curl(['-H', `Host: ${app}.localhost:${this.#web}`, `http://127.0.0.1:${this.#web}/`]);
  }

  follow(app: string): ChildProcess {
    return spawn('curl', ['-sN', `http://127.0.0.1:${this.#api}/apps/${app}/logs?follow=1`], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  /** Pids by the names of dynos. */
  pids(app: string): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.api(`/apps/${app}`).matchAll(/^(\S+) up (\d+) /gm)].map(([, name = '', pid = '']) => [name, pid]));
  }

  /** Which dynos answer, and with what. */
  answers(app: string): readonly string[] {
    return [...new Set(Array.from({ length: 12 }, () => this.web(app)))].sort();
  }
}

function curl(words: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync('curl', ['-sS', '-m', '60', ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Its web says which release and which dyno it is. */
function release(version: number, more: Readonly<Record<string, string>> = {}): string {
  const web = `web: mkdir /tmp/www; echo "${version} $DYNO" >/tmp/www/index.html; echo "release ${version} begins"; exec busybox httpd -f -p $PORT -h /tmp/www\n`;
  return makeSlug(lab.scratch, { Procfile: `${web}clock: exec tick\n`, ...more }).replace('slug:', '');
}

needs('root', 'userns', 'overlay', 'command:curl')('deploy, route, scale, logs, a broken release, kill -9 of the agent, roll back, delete', async (t) => {
  const paas = new Paas(makeStack(lab, 'one'), await freePort(), await freePort());
  await paas.start();
  try {
    t.is(paas.api('/apps/shop', '-T', release(1)), 'shop runs release 1\n200');
    t.is(paas.web('shop'), '1 web.1\n');
    t.is(paas.api('/apps/blog', '-T', release(7)), 'blog runs release 1\n200');
    t.deepEqual([paas.web('blog'), paas.web('shop'), paas.web('none')], ['7 web.1\n', '1 web.1\n', 'no such app\n']);

    t.is(paas.api('/apps/shop/formation', '-X', 'PATCH', '-d', 'web=3 clock=1'), 'clock.1\nweb.1\nweb.2\nweb.3\n200');
    await until(() => Object.keys(paas.pids('shop')).length === 4, 'four dynos');
    t.is(paas.answers('shop').join(''), '1 web.1\n1 web.2\n1 web.3\n');

    const follower = paas.follow('shop');
    let heard = '';
    follower.stdout?.on('data', (text: Buffer) => {
      heard += String(text);
    });
    t.is(paas.api('/apps/shop', '-T', release(2)), 'shop runs release 2\n200');
    t.is(paas.answers('shop').join(''), '2 web.1\n2 web.2\n2 web.3\n');
    await until(() => /app\[web\.3\]: release 2 begins$/m.test(heard), 'the log');
    t.regex(heard, /app\[web\.1\]: release 1 begins$/m);
    follower.kill();

    t.regex(paas.api('/apps/shop', '-T', release(3, { Procfile: 'web: exit 3\nclock: exec tick\n' })), /^the new web\.1 did not come up.*\nhint: its log says why\n422$/);
    t.regex(paas.api('/apps/shop', '-T', release(3, { Procfile: 'web: exec serve\n' })), /there is no process type .clock./);
    t.regex(paas.api('/apps/shop', '-T', agentFile), /422$/);
    await until(() => Object.keys(paas.pids('shop')).length === 4, 'four dynos again');
    t.is(paas.answers('shop').join(''), '2 web.1\n2 web.2\n2 web.3\n');

    const before = [paas.pids('shop'), paas.pids('blog')];
    await paas.end('SIGKILL');
    t.true(before.flatMap((pids) => Object.values(pids)).every((pid) => existsSync(`/proc/${pid}/exe`)));
    await paas.start();
    t.deepEqual([paas.pids('shop'), paas.pids('blog')], before);
    t.is(paas.answers('shop').join(''), '2 web.1\n2 web.2\n2 web.3\n');
    t.is(paas.web('blog'), '7 web.1\n');

    t.is(paas.api('/apps/shop/rollback', '-X', 'POST'), 'shop runs release 1\n200');
    t.is(paas.answers('shop').join(''), '1 web.1\n1 web.2\n1 web.3\n');
    t.regex(paas.api('/apps/shop/rollback', '-X', 'POST'), /no release before this one\n409$/);
    await paas.end('SIGTERM');
    await paas.start();
    t.regex(paas.api('/apps/shop'), /^release 1\n/);
    t.is(paas.api('/apps'), 'blog\nshop\n200');
    for (const app of ['shop', 'blog']) t.is(paas.api(`/apps/${app}`, '-X', 'DELETE'), `${app} is gone\n200`);
    t.is(paas.api('/apps/shop'), 'there is no app shop\n404');
  } finally {
    await paas.end('SIGTERM');
  }
});

lab.declareLeakTest();
