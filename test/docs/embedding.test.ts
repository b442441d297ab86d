// The agent of docs/embedding.md: runs a real application, routes to it, restarts it, and ends without leaving anything.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Runtime } from '../../src/index.js';
import { freePort } from '../support/free-port.js';
import { processesOf } from '../support/leaks.js';
import { makeImage } from '../support/images.js';
import { fixture, Lab, patience } from '../support/lab.js';
import { inLongForm, needs, type Need } from '../support/needs.js';
import { saveImages } from '../support/saved-images.js';
import { until } from '../support/until.js';
import { blocksOf, checkout, compile, makeProject } from './examples.js';
import { RunningProgram } from './running-program.js';

const common: readonly Need[] = ['root', 'userns', 'overlay'];
const here = needs(...common);
const app = readFileSync(join(checkout, 'test/support/apps/server.mjs'), 'utf8');
const project = makeProject();
test.after.always(() => {
  rmSync(project, { recursive: true });
});

const [agent = '', images = ''] = blocksOf('docs/embedding.md').filter(({ language }) => language === 'ts').map(({ text }) => text);

test('the agent has some forty lines', (t) => {
  t.true(agent.trim().split('\n').length <= 45);
});

here('the program about images takes one from an archive, says what it wastes, and runs it', async (t) => {
  t.timeout(60_000 * patience);
  const lab = new Lab();
  t.teardown(() => { lab.removeFolders(); });
  const upper = mkdtempSync(join(lab.scratch, 'upper-'));
  mkdirSync(join(upper, 'etc'));
  writeFileSync(join(upper, 'etc/motd'), 'new');
  const base = makeImage(lab, { files: { 'etc/motd': 'x'.repeat(1000) } });
  const archive = saveImages(join(lab.scratch, 'app.tar'), { names: ['other:1'], layers: [base, upper], config: { Cmd: ['echo', 'hello from an image'] } });
  await using running = new RunningProgram(compile(project, 'images', images), [archive, join(lab.scratch, 'store')], { env: { TSRUN_ROOT: mkdtempSync(join(lab.scratch, 's-')) } });
  t.deepEqual(await running.ended, { code: 0, signal: null }, running.output);
  t.regex(running.output, /^unpacking [\da-f]{12} \d+$/m);
  t.regex(running.output, /\[ 'docker.io\/team\/my-app:v1' \] 2/);
  t.regex(running.output, /^efficiency [01]\.\d\d \/etc\/motd$/m);
  t.regex(running.output, /^hello from an image$/m);
  t.regex(running.output, /^0 team\/my-app:v1 true$/m);
});

interface Site {
  readonly running: RunningProgram;
  readonly get: (path: string, init?: RequestInit) => Promise<{ readonly status: number; readonly body: string }>;
}

async function withAgent(t: ExecutionContext, body: (site: Site) => Promise<void>): Promise<void> {
  t.timeout(120_000 * patience);
  const port = await freePort();
  const program = compile(project, 'agent', agent);
  await using running = new RunningProgram(program, [fixture('debian'), 'node', '--input-type=module', '-e', app], { env: { PORT: String(port) } });
  await running.says(/^app: listening$/m);
  running.containers();
  const get = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return { status: answer.status, body: await answer.text() };
  };
  await body({ running, get });
}

here('requests go through it to the app, which it restarts when it has ended; SIGTERM ends both in order', async (t) => {
  await withAgent(t, async ({ running, get }) => {
    t.deepEqual(await get('/'), { status: 200, body: 'hello from pid 1\n' });
    const body = 'x'.repeat(300_000);
    t.deepEqual(await get('/echo', { method: 'POST', body }), { status: 200, body });
    const answers = await Promise.all(Array.from({ length: 10 }, async () => get('/')));
    t.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    await get('/end?code=3');
    await running.says(/^agent: the app has ended: exit 3$/m);
    t.like(await get('/'), { status: 503 });
    await until(async () => (await get('/')).status === 200, 'the app to be up again');
    t.is(running.containers().length, 1);
    t.deepEqual(await running.end('SIGTERM'), { code: 0, signal: null });
    t.regex(running.output, /app: SIGTERM: finishing\n/);
    t.deepEqual(await running.leftovers(), []);
  });
});

here('killed, it takes its app with it', async (t) => {
  await withAgent(t, async ({ running }) => {
    const [id = ''] = running.containers();
    t.deepEqual(await running.end('SIGKILL'), { code: null, signal: 'SIGKILL' });
    await until(() => processesOf(id).length === 0, 'the end of the app');
    // The next one to open the state root gives back the ids that were reserved, unless the launcher is just ending.
    await until(async () => {
      await (await Runtime.open({ root: running.stateRoot })).close();
      return (await running.leftovers()).length === 0;
    }, 'an empty state root');
  });
});

inLongForm(...common, 'cgroup2:memory')('where the host can, the app has its limit', async (t) => {
  await withAgent(t, async ({ running, get }) => {
    const [id = ''] = running.containers();
    t.is(running.cgroupFile(id, 'memory.max'), String(256 * 2 ** 20));
    t.notRegex(running.output, /cannot limit memory/);
    for (let turn = 0; turn < 8; turn++) await get('/hold?bytes=40000000').catch(() => undefined);
    await running.says(/^agent: the app has ended: oom 137$/m);
    await until(async () => (await get('/')).status === 200, 'the app to be up again');
    t.is((await running.end('SIGTERM')).code, 0);
  });
});
