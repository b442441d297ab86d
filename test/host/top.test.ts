// `tsrun top` on a terminal, and one sample of it for scripts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliLab } from '../support/cli-lab.js';
import { needs } from '../support/needs.js';

const lab = new CliLab();
const rooted = needs('root', 'cgroup2');
const seated = needs('root', 'cgroup2', 'command:python3');

/** Busy, and one that says something each moment. */
async function containers(): Promise<readonly [busy: string, idle: string]> {
  const [busy, idle] = [`${lab.newId()}-busy`, `${lab.newId()}-idle`];
  for (const [id, script] of [[busy, 'while :; do :; done'], [idle, 'n=0; while sleep 0.1; do n=$((n+1)); echo line $n; done']] as const) {
    const { code, stderr } = await lab.tsrun(['run', '-d', '--rm', '--name', id, lab.image, 'sh', '-c', script]);
    if (code !== 0) throw new Error(stderr);
  }
  return [busy, idle];
}

async function killAll(ids: readonly string[]): Promise<void> {
  for (const id of ids) await lab.kill(id);
  await lab.until('their end', async () => (await Promise.all(ids.map(async (id) => lab.find(id)))).every((each) => each === undefined));
}

interface Row {
  readonly name: string;
  readonly state: string;
  readonly app?: string;
  readonly dyno?: string;
  readonly cpuPercent?: number;
  readonly restarts?: number;
  readonly uptimeMs?: number;
}

async function sample(...words: readonly string[]): Promise<readonly Row[]> {
  const { code, stdout, stderr } = await lab.tsrun(['top', '--json', ...words]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Row[];
}

seated('keys select, sort, filter, open one with its log, go back and quit; the terminal is whole again', async (t) => {
  const ids = await containers();
  const [busy, idle] = ids;
  const pty = lab.pty(['top', '--interval', '0.2'], { rows: 20, columns: 120 });
  await pty.see(/\x1b\[\?1049h/);
  await pty.see(new RegExp(`▸ ${busy} +running +█+`), undefined);
  await pty.see(new RegExp(`  ${idle} +running +░+`));
  pty.type('j');
  await pty.see(new RegExp(`▸ ${idle}`));
  pty.type('SS');
  await pty.see(/NAME▼/);
  pty.type('/idle\r');
  await pty.see(/1 container, 0 dynos +1 of 2/);
  pty.resize(12, 130);
  await pty.see(/filter: idle/);
  pty.type('\r');
  await pty.see(new RegExp(`LOG  tsrun logs -f ${idle}`));
  await pty.see(/│ line \d+/);
  await pty.see(/[▁▂▃▄▅▆▇█]{3}/);
  pty.type('\x7f');
  await pty.see(new RegExp(`▸ ${idle}`));
  pty.type('q');
  t.deepEqual(await pty.ended, { code: 0, cooked: true });
  t.true(pty.screen.endsWith('\x1b[?7h\x1b[?25h\x1b[?1049l'), JSON.stringify(pty.screen.slice(-80)));
  await killAll(ids);
});

for (const [name, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]] as const) {
  seated(`${name} ends it with the signal's code, and the terminal is whole again`, async (t) => {
    const pty = lab.pty(['top'], { rows: 10, columns: 80 });
    await pty.see(/0 containers, 0 dynos/);
    pty.signal(number);
    t.deepEqual(await pty.ended, { code: 128 + number, cooked: true });
    t.true(pty.screen.endsWith('\x1b[?1049l'));
  });
}

seated('the window is closed: it ends', async (t) => {
  const pty = lab.pty(['top'], { rows: 10, columns: 80 });
  await pty.see(/0 containers, 0 dynos/);
  pty.hangUp();
  t.is((await pty.ended).code, 129);
});

rooted('without a terminal it says what to do; one sample needs none', async (t) => {
  const refused = await lab.tsrun(['top']);
  t.is(refused.code, 125);
  t.regex(refused.stderr, /^tsrun: there is no terminal to draw on and to type on\nhint: tsrun top --no-stream prints one sample, --json /);
  const ids = await containers();
  const [busy, idle] = ids;
  await lab.until('their programs', async () => (await sample()).every(({ cpuPercent = 0, name }) => name !== busy || cpuPercent > 1));
  const table = await lab.tsrun(['top', '--no-stream', '--sort', 'cpu']);
  t.regex(table.stdout, new RegExp(`^NAME +STATE +CPU +MEMORY / LIMIT +PIDS +UPTIME +PRESSURE +RESTARTS +THROTTLED\n${busy} +running +\\d+\\.\\d% .*\n${idle} +running .*\n$`));
  const rows = await sample();
  t.deepEqual(rows.map(({ name, state, app }) => [name, state, app]), [[busy, 'running', undefined], [idle, 'running', undefined]]);
  t.true(rows.every(({ uptimeMs = 0 }) => uptimeMs > 0));
  await lab.tsrun(['pause', idle]);
  t.is((await sample())[1]?.state, 'paused');
  await lab.tsrun(['unpause', idle]);
  await killAll(ids);
  t.deepEqual(await sample(), []);
});

rooted('dynos of apps in the background: their state and restarts, also of one that has crashed for good', async (t) => {
  const path = join(lab.imageRoot, 'Procfile-top');
  writeFileSync(path, 'job: exec sleep 1000\nbad: exit 3\n');
  const name = lab.newId();
  const up = await lab.tsrun(['up', '-d', '--name', name, '--formation', 'job=1,bad=1', '--restart', 'fly', '-f', path, lab.image]);
  t.is(up.code, 0, up.stderr);
  await lab.until('both states', async () => {
    const states = (await sample('--app', name)).map(({ dyno, state }) => `${dyno ?? ''} ${state}`);
    return states.includes('bad.1 crashed') && states.includes('job.1 up');
  });
  const [bad, job] = await sample('-a', name);
  t.like(job, { name: `${name}.job.1`, app: name, dyno: 'job.1', restarts: 0 });
  t.is(bad?.dyno, 'bad.1');
  t.is(bad?.uptimeMs, undefined, 'nothing of it runs');
  t.is((await lab.tsrun(['top', '--json', '--app', 'none'])).code, 1);
  await lab.tsrun(['stop', '--app', name]);
});

lab.declareLeakTest();
