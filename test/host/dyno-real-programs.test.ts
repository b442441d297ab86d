// Dynos of applications as their makers' tools pack them (rootfs-fixtures/applications.mjs): Node from a slug on a debootstrapped stack, Python beside it and from a docker-archive.
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { ask } from '../support/http.js';
import { watchFormation, type WatchedFormation } from '../support/dyno-lab.js';
import { fixture, Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new Lab();

/** Hundreds of megabytes are unpacked and hashed. */
function rooted(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  needs('root', 'userns', 'overlay')(title, async (t) => {
    t.timeout(120_000 * patience);
    await body(t);
  });
}

const image = (name: string) => join(fixture('applications'), name);

/** Python that says what it is asked to end by, and that does not end. */
const deaf = "python3 -u -c \"import signal, time; signal.signal(signal.SIGTERM, lambda number, frame: print('deaf to', number)); print('at work'); [time.sleep(1) for n in range(1000)]\"";

async function saying({ lines, formation }: WatchedFormation, line: string): Promise<void> {
  await until(() => lines.includes(line), line).catch(() => {
    throw new Error(`${line}\n${lines.join('\n')}\n${formation.dynos.map(({ name, state }) => `${name} ${state}`).join(' ')}`);
  });
}

rooted('Node from a slug, and Python beside it: release, PORT, spread connections, an exit code, crashes, SIGTERM to all and R12', async (t) => {
  const watched = await watchFormation(lab, {
    image: `slug:${image('web.tgz')}`,
    processTypes: {
      deaf: { command: deaf, graceMs: 1000 },
      broken: { command: 'python3 -c "raise SystemExit(0)"' },
    },
    quantities: { web: 2, deaf: 1, broken: 1 },
    container: { stack: `oci:${image('stack')}:debian` },
  });
  const { formation, lines, stop } = watched;
  await saying(watched, `app[release.1]: hello from node, release phase on debian by ${process.version}`);
  await until(() => ['web.1', 'web.2', 'deaf.1'].every((name) => formation.dyno(name)?.state === 'up'), 'the dynos');
  await saying(watched, 'app[deaf.1]: at work');
  await saying(watched, 'heroku[broken.1]: State changed from up to crashed');
  await until(() => formation.dyno('broken.1')?.crashes === 2, 'the second crash');
  t.like(formation.dyno('broken.1')?.lastDeath, { cause: 'exit', code: 0 });
  t.true((formation.dyno('broken.1')?.nextRestartAtMs ?? 0) > Date.now() + 500_000, 'it comes back in ten minutes');
  const { port } = await formation.listen('web', { port: 0 });
  const answers = await Promise.all([1, 2].map(async () => (await fetch(`http://127.0.0.1:${port}/`)).json() as Promise<{ readonly uid: number; readonly folder: string }>));
  for (const answer of answers) t.like(answer, { greeting: 'hello from node', uid: 1000, folder: '/app' });
  t.is((await (await formation.run('node -e "process.exit(7)"')).exited).code, 7);
  await stop();
  t.is(lines.filter((line) => /^app\[web\.[12]\]: closed after 1 requests$/.test(line)).length, 2, lines.join('\n'));
  const end = lines.filter((line) => line.startsWith('app[deaf.1]: deaf') || /^heroku\[deaf\.1\]: (?:Stopping|Error|Process)/.test(line));
  t.deepEqual(end, [
    'heroku[deaf.1]: Stopping all processes with SIGTERM',
    'app[deaf.1]: deaf to 15',
    'heroku[deaf.1]: Error R12 (Exit timeout) -> At least one process failed to exit within 1 second of SIGTERM',
    'heroku[deaf.1]: Stopping remaining processes with SIGKILL',
    'heroku[deaf.1]: Process exited with status 137',
  ]);
});

rooted('an image of Python that works elsewhere fails as it would on Heroku: loopback alone, a user without a name, and a signal that is not its own', async (t) => {
  const watched = await watchFormation(lab, { image: image('python.tar'), profile: 'heroku-container', restart: 'never', env: { PORT: '8000' }, processTypes: { web: { bootTimeoutMs: 600_000 } } });
  const { formation, lines, stop } = watched;
  await saying(watched, 'app[web.1]: listening on 8000');
  t.true(lines.includes('heroku[web.1]: Starting process with command `8000`'));
  t.is(formation.dyno('web.1')?.state, 'starting', 'nobody but itself can reach it');
  const container = formation.dyno('web.1')?.container;
  if (container === undefined) throw new Error('there is no container');
  t.is((await ask(container, 8000, '/who')).status, 500);
  await until(() => lines.some((line) => /uid not found: [2-5]\d{4}|No username set/.test(line)), 'what is wrong');
  await stop();
  t.false(lines.some((line) => line.includes('SIGINT: closing')), 'it would have heard that of its image');
  t.true(lines.includes('heroku[web.1]: Process exited with status 143'), lines.join('\n'));
});

lab.declareLeakTest();
