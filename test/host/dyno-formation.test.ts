// Formations with real containers: what a dyno is given, what its log says, how it ends and comes back.
import { setTimeout as delay } from 'node:timers/promises';
import { Formation, Runtime, type FormationOptions } from '../../src/index.js';
import { FakeClock } from '../dyno/fake-clock.js';
import { watchFormation, type WatchedFormation as Watched } from '../support/dyno-lab.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { until as waitUntil } from '../support/until.js';

const lab = new Lab();
const rooted = needs('root');

const until = async (condition: () => boolean) => waitUntil(condition, 'dynos to become so');

const start = async (options: FormationOptions) => watchFormation(lab, options);

const one = (type: string, command: string, more: Omit<FormationOptions, 'quantities'> = {}): FormationOptions => ({
  ...more,
  processTypes: { [type]: { ...more.processTypes?.[type], command } },
  quantities: { [type]: 1 },
});
const isUp = ({ formation }: Watched) => formation.dynos.every(({ state }) => state === 'up');

rooted('web is up when it listens on PORT, a worker when it runs; the log tells both lives, in order', async (t) => {
  const server = 'echo "$DYNO on $PORT"; exec httpd -f -p $PORT';
  const watched = await start({
    processTypes: { web: { command: server }, worker: { command: "trap 'echo bye >&2; exit 0' TERM; echo \"$DYNO on ${PORT-none}\"; while :; do sleep 0.05; done" } },
    quantities: { web: 2, worker: 1 },
    env: { GREETING: 'hello', DYNO: 'mine' },
  });
  const { formation, lines, events, stop } = watched;
  await until(() => isUp(watched) && lines.includes('app[worker.1]: worker.1 on none'));
  t.deepEqual(formation.dynos.map(({ name, state }) => `${name} ${state}`), ['web.1 up', 'web.2 up', 'worker.1 up']);
  for (const dyno of ['web.1', 'web.2']) (await formation.dyno(dyno)?.container?.connect(5000))?.destroy();
  await stop();
  // The shell says of its sleep, which SIGTERM has reached too, that it was terminated.
  const of = (dyno: string) => lines.filter((line) => line.includes(`[${dyno}]`) && !line.endsWith(': Terminated'));
  // That it listens comes from the kernel, what it printed just before from a pipe: either may be read first.
  const printed = 'app[web.2]: web.2 on 5000';
  t.true([2, 3].includes(of('web.2').indexOf(printed)));
  t.deepEqual(of('web.2').filter((line) => line !== printed), [
    'heroku[web.2]: State changed from provisioning to starting',
    `heroku[web.2]: Starting process with command \`${server}\``,
    'heroku[web.2]: State changed from starting to up',
    'heroku[web.2]: Stopping all processes with SIGTERM',
    'heroku[web.2]: Process exited with status 143',
    'heroku[web.2]: State changed from up to down',
  ]);
  t.deepEqual(of('worker.1').slice(-4), ['heroku[worker.1]: Stopping all processes with SIGTERM', 'app[worker.1]: bye', 'heroku[worker.1]: Process exited with status 0', 'heroku[worker.1]: State changed from up to down']);
  t.deepEqual(events.filter((event) => event.type === 'ended').map(({ dyno, death }) => `${dyno} ${death.cause} ${death.code}`).sort(), ['web.1 stop 143', 'web.2 stop 143', 'worker.1 stop 0']);
  await t.throwsAsync(formation.scale({ web: 1 }), { code: 'ERR_TSRUN_STATE' });
  await t.throwsAsync(formation.restart(), { code: 'ERR_TSRUN_STATE' });
});

rooted('a dyno has no capability, is no root, has a network of its own, and a reaper', async (t) => {
  const watched = await start(one('worker', 'id -u; grep -E "Cap(Eff|Prm|Bnd)" /proc/self/status; ls /sys/class/net; cat /proc/1/comm; echo $GREETING $HOME; sleep 1000', { env: { GREETING: 'hello' } }));
  await until(() => watched.lines.some((line) => line.includes('hello')));
  const said = watched.lines.filter((line) => line.startsWith('app')).map((line) => line.replace(/^app\[worker.1\]: /, ''));
  t.is(said[0], '1000');
  t.is(said.filter((line) => /^Cap\w+:\t0{16}$/.test(line)).length, 3);
  t.true(said.includes('lo'));
  t.false(said.includes('eth0'));
  await watched.stop();
  const asked = await start(one('worker', 'id -u; sleep 1000', { container: { user: 'root' } }));
  await until(() => asked.lines.includes('app[worker.1]: 0'));
  await asked.stop();
});

for (const [what, command, diagnosis] of [
  ['never binds', 'sleep 1000', []],
  ['binds another port', 'httpd -f -p 3000', ['heroku[web.1]: Error R11 (Bad bind) -> Process bound to port 3000, should be 5000 (see environment variable PORT)']],
  ['binds 127.0.0.1 alone', 'httpd -f -p 127.0.0.1:5000', ['heroku[web.1]: Error R11 (Bad bind) -> Process bound to port 5000 on the loopback address only, should be 0.0.0.0 or [::]']],
] as const) {
  rooted(`B1: web ${what}: R10 after 60 s, and why`, async (t) => {
    const clock = new FakeClock();
    const watched = await start(one('web', command, { clock, restart: 'never' }));
    await until(() => watched.formation.dyno('web.1')?.container !== undefined);
    const begunMs = clock.now();
    while (watched.events.every(({ type }) => type !== 'ended')) {
      clock.advance(500);
      await delay(10);
    }
    await until(() => watched.formation.dyno('web.1')?.state === 'crashed');
    await delay(0);
    t.deepEqual(watched.lines.slice(2), [
      ...diagnosis,
      'heroku[web.1]: Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds of launch',
      'heroku[web.1]: Stopping process with SIGKILL',
      'heroku[web.1]: Process exited with status 137',
      'heroku[web.1]: State changed from starting to crashed',
    ]);
    t.is(watched.formation.dyno('web.1')?.lastDeath?.cause, 'boot-timeout');
    const told = watched.events.filter((event) => event.type === 'bad-bind');
    t.deepEqual(told.map(({ dyno, code }) => `${dyno} ${code}`), diagnosis.map(() => 'web.1 R11'));
    for (const { timeMs } of told) t.true(timeMs - begunMs < 30_000, `told after ${timeMs - begunMs} ms`);
    await watched.stop();
  });
}

rooted('B1: in real time, web that binds late is up, and one that does not is killed', async (t) => {
  const late = await start(one('web', 'sleep 0.5; exec httpd -f -p $PORT', { processTypes: { web: { bootTimeoutMs: 20_000 } } }));
  await until(() => isUp(late));
  await late.stop();
  const never = await start(one('web', 'sleep 1000', { processTypes: { web: { bootTimeoutMs: 1000 } } }));
  await until(() => never.lines.some((line) => line.includes('Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 1 second of launch')));
  await never.stop();
  t.pass();
});

rooted('B2: a dyno that ignores SIGTERM is killed after its grace: R12', async (t) => {
  const watched = await start(one('worker', "trap '' TERM; (trap '' TERM; sleep 1000) & echo ready; wait", { processTypes: { worker: { graceMs: 500 } } }));
  await until(() => watched.lines.includes('app[worker.1]: ready'));
  const { formation, lines, stop } = watched;
  const dyno = formation.dyno('worker.1');
  await stop();
  t.deepEqual(lines.slice(-5), [
    'heroku[worker.1]: Stopping all processes with SIGTERM',
    'heroku[worker.1]: Error R12 (Exit timeout) -> At least one process failed to exit within 0.5 seconds of SIGTERM',
    'heroku[worker.1]: Stopping remaining processes with SIGKILL',
    'heroku[worker.1]: Process exited with status 137',
    'heroku[worker.1]: State changed from up to down',
  ]);
  t.is(dyno?.lastDeath?.cause, 'stop-timeout');
});

rooted('B2: SIGTERM reaches every process of a dyno by default, the program alone where that is asked for; signals are remapped', async (t) => {
  const tree = (signal: string) => `for n in $(seq 50); do (trap "echo child $n; exit" ${signal}; while :; do sleep 0.1; done) & done; trap 'echo main; exit' ${signal}; sleep 0.5; echo ready; while :; do sleep 0.05; done`;
  for (const [delivery, stopSignal, children] of [['all', 'SIGTERM', 50], ['main', 'SIGTERM', 0], ['mixed', 'SIGUSR2', 50]] as const) {
    const watched = await start(one('worker', tree(stopSignal.slice(3)), { processTypes: { worker: { delivery, stopSignal } } }));
    await until(() => watched.lines.includes('app[worker.1]: ready'));
    await watched.stop();
    t.is(watched.lines.filter((line) => line.startsWith('app[worker.1]: child')).length, children, delivery);
    t.true(watched.lines.includes(`heroku[worker.1]: Stopping all processes with ${stopSignal}`));
    t.true(watched.lines.includes('app[worker.1]: main'));
  }
});

rooted('B2: a stop signal that is sent again and again is heard as often, and told once', async (t) => {
  const deaf = "trap 'echo heard' TERM; echo ready; while :; do sleep 0.02; done";
  for (const [options, heard] of [[{}, (times: number) => times === 1], [{ repeatStopMs: 300 }, (times: number) => times > 2]] as const) {
    const watched = await start(one('worker', deaf, { processTypes: { worker: { graceMs: 3000, ...options } } }));
    await until(() => watched.lines.includes('app[worker.1]: ready'));
    await watched.stop();
    const times = watched.lines.filter((line) => line === 'app[worker.1]: heard').length;
    t.true(heard(times), `${times}\n${watched.lines.join('\n')}`);
    t.is(watched.lines.filter((line) => line.includes('Stopping all processes')).length, 1);
  }
});

rooted('B5: long lines, binary, no line break at the end, in a dyno\'s log', async (t) => {
  const watched = await start(one('worker', "head -c 25000 /dev/zero | tr '\\0' x; echo; printf '\\377\\n'; printf last >&2", { restart: 'fly' }));
  await until(() => watched.formation.dyno('worker.1')?.state === 'complete');
  await watched.stop();
  const printed = watched.lines.filter((line) => line.startsWith('app')).map((line) => line.replace('app[worker.1]: ', ''));
  t.deepEqual(printed.map((line) => line.length).sort((a, b) => a - b), [1, 4, 5000, 10_000, 10_000]);
  t.true(printed.includes('\ufffd'));
  t.true(printed.includes('last'));
  const exit = watched.lines.indexOf('heroku[worker.1]: Process exited with status 0');
  t.true(watched.lines.every((line, index) => !line.startsWith('app') || index < exit), 'all of it before the end');
});

rooted('B5: to who reads nothing for a while the newest lines are kept, and the rest is counted: read + dropped = produced', async (t) => {
  const formation = await Formation.start(await lab.runtime(), lab.image, { name: lab.newId(), ...one('worker', 'seq 300000', { restart: 'never' }) });
  const logs = formation.logs();
  await until(() => formation.dyno('worker.1')?.state === 'complete');
  await formation.stop();
  const [messages, dropped]: [string[], number[]] = [[], []];
  for await (const { source, message } of logs) {
    if (source === 'app') messages.push(message);
    else dropped.push(Number(/^L11 \(Tail buffer overflow\) -> This tail session dropped (\d+) messages since /.exec(message)?.[1] ?? 0));
  }
  const sum = dropped.reduce((total, each) => total + each, 0);
  t.true(sum > 0);
  // Three of them are the platform's, and the oldest.
  t.is(messages.length + sum, 300_000 + 3, `${messages.length} ${sum}`);
  t.is(messages.at(-1), '300000');
});

rooted('B7: a crash loop, with exit 0, by heroku\'s policy and a clock that is turned', async (t) => {
  const clock = new FakeClock();
  const { formation, lines, stop } = await start(one('worker', 'exit 0', { clock }));
  const dyno = formation.dyno('worker.1');
  const crashed = async (crashes: number) => {
    await until(() => dyno?.state === 'crashed' && dyno.crashes === crashes);
    return ((dyno?.nextRestartAtMs ?? Number.NaN) - clock.now()) / 60_000;
  };
  for (const [crashes, minutes] of [[1, 0], [2, 10], [3, 20], [4, 40]] as const) {
    t.is(await crashed(crashes), minutes);
    clock.advance(minutes * 60_000);
  }
  await crashed(5);
  await formation.restart('worker');
  t.is(await crashed(1), 0, 'a restart by hand is a new beginning');
  t.is(dyno?.lastDeath?.cause, 'exit');
  await stop();
  t.is(formation.dyno('worker.1')?.state, 'down');
  t.is(lines.at(-1), 'heroku[worker.1]: State changed from crashed to down');
});

rooted('scaling takes the highest numbers away and gives the lowest, one call after the other', async (t) => {
  const { formation } = await start({ processTypes: { worker: { command: 'exec sleep 1000' }, other: { command: 'exec sleep 1000' } }, quantities: { worker: 3 } });
  const names = () => formation.dynos.map(({ name }) => name);
  const kept = formation.dyno('worker.1');
  const [third] = formation.dynos.slice(2);
  await Promise.all([formation.scale({ worker: 1 }), formation.scale({ worker: 3, other: 1 })]);
  t.deepEqual(names(), ['other.1', 'worker.1', 'worker.2', 'worker.3']);
  t.is(formation.dyno('worker.1'), kept);
  t.is(third?.state, 'down');
  t.not(formation.dyno('worker.3'), third);
  await formation.scale({ worker: 0 });
  t.deepEqual(names(), ['other.1']);
  await formation.stop();
});

rooted('a restart ends what runs and starts anew, of all, of a type or of one', async (t) => {
  const watched = await start({ processTypes: { worker: { command: 'exec sleep 1000' }, other: { command: 'exec sleep 1000' } }, quantities: { worker: 2, other: 1 } });
  const { formation } = watched;
  const pids = () => formation.dynos.map(({ container }) => container?.pid ?? 0);
  await until(() => isUp(watched));
  for (const [which, changed] of [[undefined, [true, true, true]], ['worker', [false, true, true]], ['worker.2', [false, false, true]]] as const) {
    const before = pids();
    await formation.restart(which);
    await until(() => isUp(watched));
    t.deepEqual(pids().map((pid, index) => pid !== before[index]), [...changed], which);
  }
  await t.throwsAsync(formation.restart('web'), { code: 'ERR_TSRUN_NOT_FOUND', message: 'there is no dyno "web"' });
  await formation.stop();
});

rooted('what ended a dyno is a value: its own exit, a signal of somebody else\'s', async (t) => {
  for (const [command, cause, code] of [['exit 7', 'exit', 7], ['kill -9 $$', 'signal', 137], ['no-such-program', 'exit', 127]] as const) {
    const { formation } = await start(one('worker', command, { restart: 'never' }));
    await until(() => formation.dyno('worker.1')?.lastDeath !== undefined);
    const death = formation.dyno('worker.1')?.lastDeath;
    t.deepEqual([death?.cause, death?.code], [cause, code], command);
    await formation.stop();
  }
});

rooted('who reads late gets the lines that are kept, and may say how many', async (t) => {
  const watched = await start(one('worker', 'seq 2000; sleep 1000'));
  const { formation } = watched;
  await until(() => watched.lines.includes('app[worker.1]: 2000'));
  const read = async (past: number) => {
    const messages: string[] = [];
    for await (const { message } of formation.logs({ past, signal: AbortSignal.timeout(50) })) messages.push(message);
    return messages;
  };
  t.deepEqual(await read(2), ['1999', '2000']);
  t.deepEqual(await read(0), []);
  const all = await read(10_000);
  t.is(all.length, 1500);
  t.is(all.at(-1), '2000');
  await formation.stop();
});

rooted('a runtime that is closed ends its dynos, and they do not come back', async (t) => {
  const runtime = await Runtime.open({ root: lab.stateRoot, imageRoot: lab.imageRoot });
  const formation = await Formation.start(runtime, lab.image, { name: lab.newId(), ...one('worker', 'exec sleep 1000') });
  const dyno = formation.dyno('worker.1');
  await until(() => dyno?.state === 'up');
  await runtime.close();
  await until(() => dyno?.lastDeath?.cause === 'failed');
  t.is(dyno?.state, 'crashed');
  t.is(dyno?.nextRestartAtMs, undefined);
  await formation.stop();
});

rooted('what cannot be asked for is refused before anything is started', async (t) => {
  const runtime = await lab.runtime();
  const rows: [options: unknown, message: RegExp][] = [
    [{}, /there is no process type "web"/],
    [{ quantities: { wrker: 1 }, processTypes: { worker: { command: 'x' } } }, /there is no process type "wrker"/],
    [{ quantities: { worker: -1 } }, /\/quantities\/worker: expected an integer from 0 to 1000/],
    [{ quantities: { 'a b': 1 } }, /process type of 1 to 63/],
    [{ processTypes: { web: { comand: 'x' } } }, /comand/],
    [{ processTypes: { web: { command: 'x', delivery: 'some' } } }, /expected a delivery/],
    [{ processTypes: { web: { command: 'x', stopSignal: 'SIGTREM' } } }, /SIGTREM/],
    [{ processTypes: { web: { command: 'x' } }, restart: 'herku' }, /restart/],
    [{ processTypes: { web: { command: 'x' } }, restart: { on: 'always', delaysMs: [], mostDelayMs: 1 } }, /restart/],
    [{ processTypes: { web: { command: 'x' } }, env: { PORT: '70000' } }, /\/env\/PORT: expected the number of a port/],
    [{ processTypes: { web: { command: 'x' } }, env: { HEROKU_API_KEY: 'x' } }, /\/env\/HEROKU_API_KEY: names that begin with HEROKU_ are the platform's/],
    [{ processTypes: { web: { command: 'x' } }, env: { LARGE: 'x'.repeat(65_536) } }, /\/env: all config vars together have 65541 bytes/],
    [{ processTypes: { web: { command: 'x' } }, container: { init: false } }, /\/container\/init: a formation decides that itself/],
    [{ processTypes: { web: { command: 'x' } }, container: { memory: 'much' } }, /memory/],
    [{ processTypes: { web: { command: 'x' } }, name: '-x' }, /name/],
  ];
  for (const [options, message] of rows) {
    // @ts-expect-error as a program without types may
    await t.throwsAsync(Formation.start(runtime, lab.image, options), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message }, JSON.stringify(options));
  }
  t.is(runtime.list().filter(({ id }) => id.startsWith('app-')).length, 0);
});

lab.declareLeakTest();
