// Sizes and metrics at a shell: `tsrun up --size --metrics`.
import { existsSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { CliLab, said } from '../support/cli-lab.js';
import { freePort } from '../support/free-port.js';
import { agentsOf } from '../support/leaks.js';
import { missing, needs } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new CliLab();
const rooted = needs('root', 'cgroup2');

function procfile(): string {
  const path = join(lab.imageRoot, 'Procfile');
  writeFileSync(path, 'worker: echo working; exec sleep 1000\n');
  return path;
}

const up = (...words: readonly string[]) => ['up', '--name', lab.newId(), '--formation', 'worker=1', '-f', procfile(), ...words, lab.image];

rooted('metrics of a formation over HTTP, as long as it runs', async (t) => {
  const port = await freePort();
  const child = lab.spawn(up('--metrics', `127.0.0.1:${port}`));
  const end = said(child);
  let printed = '';
  child.stdout?.on('data', (piece: string) => {
    printed += piece;
  });
  await until(() => printed.includes('app[worker.1]: working'), 'the dyno to be up');
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  t.regex(text, /^tsrun_dyno_up\{app="[^"]+",type="worker",dyno="worker\.1"\} 1$/m);
  child.kill('SIGINT');
  t.is((await end).code, 0);
  await t.throwsAsync(fetch(`http://127.0.0.1:${port}/metrics`));
});

rooted('of an app in the background its agent answers, and so does the next one when that was killed', async (t) => {
  const path = join(lab.imageRoot, 'metrics');
  const words = up('-d', '--metrics', path);
  const name = words[2] ?? '';
  t.is((await lab.tsrun(words)).code, 0);
  const ask = async () => new Promise<string>((resolve, reject) => {
    request({ socketPath: path, path: '/metrics', agent: false }, (response) => {
      text(response).then(resolve, reject);
    }).once('error', reject).end();
  });
  const isUp = async () => (await ask()).includes(`tsrun_dyno_up{app="${name}",type="worker",dyno="worker.1"} 1`);
  await until(isUp, 'the dyno to be up');
  const [agent = 0] = agentsOf(name);
  process.kill(agent, 'SIGKILL');
  await until(() => !existsSync(`/proc/${agent}/exe`), 'the end of the agent');
  await t.throwsAsync(ask());
  await lab.tsrun(['ps', '--app', name]);
  t.true(await isUp());
  await lab.tsrun(['stop', '--app', name]);
  t.false(existsSync(path));
});

rooted('what cannot be is refused, and no dyno stays', async (t) => {
  const rows: [words: string[], message: RegExp, code?: number][] = [
    [['--size', 'worker=standard-3x'], /for --size: .*there is no size "standard-3x"/],
    [['--metrics', '0.0.0.0:1'], /for --metrics: metrics are not served at "0\.0\.0\.0:1"/],
    [['--metrics', '/nowhere/at/all'], /metrics cannot be served at "\/nowhere\/at\/all"/, 1],
    [['-d', '--metrics', '/nowhere/at/all'], /metrics cannot be served at "\/nowhere\/at\/all"/, 1],
    [['-d', '--metrics', '127.0.0.1:0'], /nobody would know the port of --metrics/],
    ...(missing('cgroup2:memory').length > 0 ? [[['--size', 'worker=standard-1x'], /the limit \/linux\/resources\/memory\/\w+ needs the cgroup v2 controller 'memory'/, 1] satisfies [string[], RegExp, number]] : []),
  ];
  for (const [words, message, status = 125] of rows) {
    const { code, stderr } = await lab.tsrun(up(...words));
    t.regex(stderr, message);
    t.is(code, status);
  }
});

lab.declareLeakTest();
