// An app in the background whose agent, or whose `up`, is killed at any line: the next command takes it over whole, with as many dynos as there shall be.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExecutionContext } from 'ava';
import { CliLab, said, type Said } from '../support/cli-lab.js';
import { makeImage } from '../support/images.js';
import { patience } from '../support/lab.js';
import { agentsOf, processesOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new CliLab();
const rooted = needs('root');
/** Every how manieth point is tried; where it begins is chance, so that many runs try all of them. */
const stride = process.env['TSRUN_LONG'] === '1' ? 1 : patience > 1 ? 31 : 13;

/** Nothing brings one back that has crashed: what an owner did to it must not be taken for its own end. */
const procfile = 'web: exec busybox httpd -f -p $PORT\nworker: exec sleep 1000\n';

interface Row {
  readonly name: string;
  readonly container?: string;
  readonly state: string;
}

/** An agent, or `up`, that can be killed, and the app that it has. */
class Target {
  readonly name = lab.newId();
  readonly #armed = join(lab.scratch, `armed-${this.name}`);
  readonly #killed = `${this.#armed}.passed`;

  /** `up --detach`, with nobody to kill it unless a point is given. */
  async up({ point, image = lab.image }: { readonly point?: number; readonly image?: string } = {}): Promise<Said> {
    if (point !== undefined) this.arm(point);
    const path = join(lab.scratch, 'Procfile-killed');
    writeFileSync(path, procfile);
    const ended = await said(this.#spawn('up', ['up', '-d', '--name', this.name, '--formation', 'web=1,worker=1', '--restart', 'never', '-f', path, image]));
    this.disarm();
    return ended;
  }

  /** The agent is one that can be killed from now on, and may be before it has taken over. */
  async own(): Promise<void> {
    for (const pid of agentsOf(this.name)) {
      process.kill(pid, 'SIGKILL');
      await until(() => !existsSync(`/proc/${pid}/exe`), 'the end of the agent');
    }
    const agent = this.#spawn('agent', ['agent', '--app', this.name]);
    await Promise.race([once(agent.stdout ?? agent, 'data'), once(agent, 'exit')]);
    agent.stdout?.destroy();
    agent.stderr?.destroy();
  }

  arm(point: number): void {
    rmSync(this.#killed, { force: true });
    writeFileSync(this.#armed, String(point));
  }

  /** Where it was killed; undefined: it was not. */
  disarm(): string | undefined {
    rmSync(this.#armed, { force: true });
    return this.killedAt;
  }

  get killedAt(): string | undefined {
    return existsSync(this.#killed) ? readFileSync(this.#killed, 'utf8').trim() : undefined;
  }

  async rows(): Promise<readonly Row[]> {
    const { code, stdout, stderr } = await lab.tsrun(['ps', '--app', this.name, '--json']);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Row[];
  }

  /** The images that its dynos run from, without those that are just coming. */
  async versions(): Promise<readonly string[]> {
    const found = await Promise.all((await this.rows()).map(async ({ container = 'none' }) => (await lab.tsrun(['exec', container, 'cat', '/version'])).stdout));
    return [...new Set(found)];
  }

  /** Until all are up that there are. */
  async settled(at: string): Promise<readonly string[]> {
    let rows: readonly Row[] = [];
    await until(async () => (rows = await this.rows()).every(({ state }) => state === 'up'), 'all dynos').catch(() => {
      throw new Error(`${at}: ${JSON.stringify(rows)}`);
    });
    return rows.map(({ name }) => name);
  }

  /** Of a test that has failed. */
  async end(): Promise<void> {
    if (this.left.length > 0) await lab.tsrun(['stop', '-a', this.name]);
  }

  get left(): readonly unknown[] {
    const inRoot = (folder: string) => (existsSync(join(lab.stateRoot, folder)) ? readdirSync(join(lab.stateRoot, folder)).filter((each) => each.includes(this.name)) : []);
    return [...processesOf(this.name), ...agentsOf(this.name), ...inRoot('containers'), ...inRoot('formations')];
  }

  #spawn(command: string, words: readonly string[]): ChildProcess {
    const [node = '', ...rest] = lab.command;
    const preload = pathToFileURL(join(import.meta.dirname, '../support/kill-point.js')).href;
    return spawn(node, ['--import', preload, ...rest, ...words], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...lab.env, TSRUN_KILL_FILE: this.#armed, TSRUN_KILL_COMMAND: command } });
  }
}

const pointsOfAdoption = 20;
const first = () => Math.floor(Math.random() * stride);

/** @param kill whether there is such a point */
async function atEachPoint(t: ExecutionContext, kill: (point: number) => Promise<boolean>, step = stride): Promise<void> {
  let killed = 0;
  for (let point = first(); await kill(point); point += step) killed++;
  t.log(`killed at ${killed} points`);
  t.true(killed > 0);
}

interface Task {
  /** So that there is something to do. */
  readonly before: readonly string[];
  readonly words: readonly string[];
  /** Those that there may be then; the last one where it was done. */
  readonly then: readonly string[];
}

/** An agent is killed at one point after the other of what commands have it do. */
async function killInTurn(t: ExecutionContext, tasks: readonly Task[]): Promise<void> {
  t.timeout(600_000 * patience);
  const target = new Target();
  t.teardown(async () => target.end());
  t.is((await target.up()).code, 0);
  for (const { before, words, then } of tasks) {
    await atEachPoint(t, async (point) => {
      await target.own();
      t.is((await lab.tsrun([...before, '-a', target.name])).code, 0);
      await target.settled('before');
      target.arm(point);
      const { code } = await lab.tsrun([...words, '-a', target.name]);
      // What was to start is starting only; whoever answers this.
      await target.settled(`to be killed at point ${point}`);
      const at = target.disarm();
      if (at !== undefined) {
        // And so is who comes after it.
        target.arm(Math.floor(Math.random() * pointsOfAdoption));
        await target.own();
        target.disarm();
      }
      const names = (await target.settled(`killed at point ${point}, ${at ?? 'nowhere'}`)).join(' ');
      t.true(code === 0 ? names === then.at(-1) : then.includes(names), `killed at point ${point}, ${at ?? 'nowhere'}, with code ${code ?? ''}: ${names}`);
      return at !== undefined;
    });
  }
  t.is((await lab.tsrun(['stop', '-a', target.name])).code, 0);
  t.deepEqual(target.left, []);
}

rooted('an agent that is killed at any line of a restart: every dyno comes back', async (t) => {
  await killInTurn(t, [{ before: ['scale', 'worker=1'], words: ['restart'], then: ['web.1 worker.1'] }]);
});

rooted('an agent that is killed at any line while it scales: there are as many as before, or as there shall be', async (t) => {
  await killInTurn(t, [
    { before: ['scale', 'worker=1'], words: ['scale', 'worker=3'], then: ['web.1 worker.1', 'web.1 worker.1 worker.2 worker.3'] },
    { before: ['scale', 'worker=3'], words: ['scale', 'worker=1'], then: ['web.1 worker.1 worker.2 worker.3', 'web.1 worker.1'] },
  ]);
});

rooted('an agent that is killed at any line while it redeploys: all dynos are of one image', async (t) => {
  t.timeout(600_000 * patience);
  const [one, two] = ['one', 'two'].map((version) => makeImage(lab, { files: { version } }));
  const target = new Target();
  t.teardown(async () => target.end());
  t.is((await target.up({ image: one ?? '' })).code, 0);
  await atEachPoint(t, async (point) => {
    await target.own();
    await target.settled('before');
    target.arm(point);
    const { code } = await lab.tsrun(['restart', '--image', two ?? '', '-a', target.name]);
    const at = target.disarm();
    const told = `killed at point ${point}, ${at ?? 'nowhere'}`;
    t.deepEqual(await target.settled(told), ['web.1', 'worker.1']);
    let versions: readonly string[] = [];
    await until(async () => (versions = await target.versions()).length === 1, 'one image').catch(() => {
      throw new Error(`${told}: ${versions.join(' ')}`);
    });
    t.true(code === 0 ? versions[0] === 'two' : ['one', 'two'].includes(versions[0] ?? ''), `${told}: ${versions.join(' ')}`);
    return at !== undefined;
    // It takes long, as each dyno has to be up for a while.
  }, 3 * stride);
  t.is((await lab.tsrun(['stop', '-a', target.name])).code, 0);
  t.deepEqual(target.left, []);
});

rooted('an agent that is killed at any line of a stop: the app runs, or is stopped by the next command', async (t) => {
  t.timeout(600_000 * patience);
  await atEachPoint(t, async (point) => {
    const target = new Target();
    t.teardown(async () => target.end());
    t.is((await target.up()).code, 0);
    await target.own();
    await target.settled('before');
    target.arm(point);
    await lab.tsrun(['stop', '-a', target.name]);
    const at = target.disarm();
    const next = await lab.tsrun(['ps', '-a', '--app', target.name]);
    const told = `killed at point ${point}, ${at ?? 'nowhere'}: ${next.stdout}${next.stderr}`;
    if (next.code === 0) {
      await target.settled(told);
      t.is((await lab.tsrun(['stop', '-a', target.name])).code, 0, told);
    } else t.regex(next.stderr, /there is no app/, told);
    t.deepEqual(target.left, [], told);
    return at !== undefined;
  });
});

rooted('an up that is killed at any line: the app is there, or its name is free', async (t) => {
  t.timeout(600_000 * patience);
  await atEachPoint(t, async (point) => {
    const target = new Target();
    t.teardown(async () => target.end());
    const { code } = await target.up({ point });
    const at = target.killedAt;
    const isKilled = at !== undefined;
    const told = `killed at point ${point}, ${at ?? 'nowhere'}`;
    t.is(code, isKilled ? null : 0, told);
    const again = isKilled ? await target.up() : undefined;
    if (again !== undefined && again.code !== 0) t.regex(again.stderr, /there is a formation .* already/, told);
    t.deepEqual(await target.settled(told), ['web.1', 'worker.1']);
    t.is((await lab.tsrun(['stop', '-a', target.name])).code, 0, told);
    t.deepEqual(target.left, [], told);
    return isKilled;
  });
});

lab.declareLeakTest();
