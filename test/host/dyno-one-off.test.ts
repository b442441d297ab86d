// One-off dynos with real containers: exit codes, clients that attach, detach and go away, terminals.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';
import { Formation, type Attachment, type FormationOptions, type OneOff } from '../../src/index.js';
import { FakeClock } from '../dyno/fake-clock.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { until as waitUntil } from '../support/until.js';

const lab = new Lab();
const rooted = needs('root');
const until = async (condition: () => boolean) => waitUntil(condition, 'a one-off dyno to become so');

interface Watched {
  readonly formation: Formation;
  /** Without time; the number of a one-off dyno as `N`. */
  readonly lines: string[];
}

async function start(options: FormationOptions = {}): Promise<Watched> {
  const formation = await Formation.start(await lab.runtime(), lab.image, { name: lab.newId(), quantities: {}, ...options });
  const lines: string[] = [];
  void (async () => {
    for await (const { source, dyno, message } of formation.logs()) lines.push(`${source}[${dyno.replace(/\d{4}$/, 'N')}]: ${message}`);
  })();
  return { formation, lines };
}

/** What a client sees, until it has this in it. */
async function seen(client: Attachment, what: string): Promise<string> {
  let all = '';
  while (!all.includes(what)) {
    const pieces: unknown[] = await once(client, 'data');
    all += pieces.join('');
  }
  return all;
}

rooted('B6: a one-off dyno has a name, the config, no PORT, and its own exit code; it does not come back', async (t) => {
  const { formation, lines } = await start({ env: { GREETING: 'hello' } });
  const command = 'echo "$DYNO $GREETING ${PORT-none} $MORE $(id -u)"; exit 7';
  const oneOff = await formation.run(command, { env: { MORE: 'more' }, by: 'jo@example.com' });
  t.regex(oneOff.name, /^run\.[1-9]\d{3}$/);
  t.deepEqual(formation.oneOffs, [oneOff]);
  const { cause, code } = await oneOff.exited;
  t.deepEqual([cause, code, oneOff.state], ['exit', 7, 'complete']);
  await until(() => lines.at(-1)?.endsWith('to complete') === true);
  t.deepEqual(lines, [
    `heroku[api]: Starting process with command \`${command}\` by user jo@example.com`,
    'heroku[run.N]: State changed from provisioning to starting',
    `heroku[run.N]: Starting process with command \`${command}\``,
    'heroku[run.N]: State changed from starting to up',
    `app[run.N]: ${oneOff.name} hello none more 1000`,
    'heroku[run.N]: Process exited with status 7',
    'heroku[run.N]: State changed from up to complete',
  ]);
  t.deepEqual(formation.oneOffs, []);
  t.deepEqual(formation.dynos, []);
  await formation.stop();
});

rooted('B6: what ends a one-off dyno is told as it was: a signal, a missing program, a stop, a stop that was not heard, its time', async (t) => {
  const { formation, lines } = await start();
  const ended = async (oneOff: OneOff) => {
    const { cause, code } = await oneOff.exited;
    return [cause, code, oneOff.state];
  };
  t.deepEqual(await ended(await formation.run('kill -9 $$')), ['signal', 137, 'complete']);
  t.deepEqual(await ended(await formation.run(['exec', 'no such program'])), ['exit', 127, 'complete']);
  const stopped = await formation.run('exec sleep 1000');
  await until(() => stopped.state === 'up');
  await stopped.stop();
  t.deepEqual(await ended(stopped), ['stop', 143, 'complete']);
  const deaf = await formation.run("trap '' TERM; echo ready; while :; do sleep 0.1; done", { graceMs: 200 });
  await until(() => lines.includes('app[run.N]: ready'));
  await deaf.stop();
  t.deepEqual(await ended(deaf), ['stop-timeout', 137, 'complete']);
  t.true(lines.some((line) => line.includes('Error R12 (Exit timeout) -> At least one process failed to exit within 0.2 seconds of SIGTERM')));
  t.deepEqual(await ended(await formation.run('exec sleep 1000', { timeToLiveMs: 50, type: 'short' })), ['stop', 143, 'complete']);
  await until(() => lines.at(-1)?.endsWith('to complete') === true);
  t.deepEqual(lines.filter((line) => line.startsWith('heroku[short.N]')).slice(-4), [
    'heroku[short.N]: Cycling',
    'heroku[short.N]: Stopping all processes with SIGTERM',
    'heroku[short.N]: Process exited with status 143',
    'heroku[short.N]: State changed from up to complete',
  ]);
  await formation.stop();
});

rooted('a process type as the first word stands for its command; words are quoted', async (t) => {
  const { formation, lines } = await start({ processTypes: { job: { command: 'echo did' } } });
  await (await formation.run('job 42 "a  b"')).exited;
  await (await formation.run(['job', 'c  d', '$HOME'])).exited;
  await (await formation.run('true\n  true')).exited;
  await (await formation.run(['echo', 'e  f'])).exited;
  await until(() => lines.includes('app[run.N]: e  f'));
  t.deepEqual(lines.filter((line) => line.startsWith('app')), ['app[run.N]: did 42 a  b', 'app[run.N]: did c  d $HOME', 'app[run.N]: e  f']);
  t.true(lines.includes('heroku[run.N]: Starting process with command `echo did 42 "a  b"`'));
  t.true(lines.includes('heroku[run.N]: Starting process with command `true true`'));
  await formation.stop();
});

rooted('the program of an attached one-off dyno waits for its client, who types and reads; the log has none of it', async (t) => {
  const { formation, lines } = await start();
  const oneOff = await formation.run('read line; echo "got $line"; echo err >&2; exit 3', { attach: true });
  await until(() => lines.includes('heroku[run.N]: Awaiting client'));
  t.is(oneOff.state, 'starting');
  t.is(oneOff.container, undefined);
  const client = await oneOff.attach();
  await t.throwsAsync(oneOff.attach(), { code: 'ERR_TSRUN_STATE', message: 'a client is attached already' });
  client.end('hello\n');
  t.deepEqual((await text(client)).split('\n').sort(), ['', 'err', 'got hello']);
  t.is((await oneOff.exited).code, 3);
  await until(() => lines.at(-1)?.endsWith('to complete') === true);
  t.true(lines[0]?.endsWith(` by user ${userInfo().username}`));
  t.deepEqual(lines.slice(3), ['heroku[run.N]: Awaiting client', 'heroku[run.N]: State changed from starting to up', 'heroku[run.N]: Process exited with status 3', 'heroku[run.N]: State changed from up to complete']);
  await t.throwsAsync(oneOff.attach(), { code: 'ERR_TSRUN_STATE', message: 'the one-off dyno has ended' });
  await formation.stop();
});

rooted('B6: no client within 30 s is R13, and nothing is run', async (t) => {
  const clock = new FakeClock();
  const { formation, lines } = await start({ clock });
  const oneOff = await formation.run('echo never', { attach: true });
  clock.advance(29_999);
  await delay(20);
  t.is(oneOff.state, 'starting');
  clock.advance(1);
  const { cause, code } = await oneOff.exited;
  t.deepEqual([cause, code], ['attach-timeout', 125]);
  await until(() => lines.at(-1)?.endsWith('to complete') === true);
  t.deepEqual(lines.slice(3), [
    'heroku[run.N]: Awaiting client',
    'heroku[run.N]: Error R13 (Attach error) -> Failed to attach to process',
    'heroku[run.N]: Process exited',
    'heroku[run.N]: State changed from starting to complete',
  ]);
  await formation.stop();
});

rooted('a one-off dyno that awaits its client is stopped at once', async (t) => {
  const { formation } = await start();
  const oneOff = await formation.run('echo never', { attach: true });
  await formation.stop();
  t.deepEqual([oneOff.state, oneOff.lastDeath?.cause, oneOff.lastDeath?.code], ['complete', 'stop', 143]);
  await t.throwsAsync(formation.run('true'), { code: 'ERR_TSRUN_STATE' });
});

rooted('B6: a terminal has its size, and another when the client resizes; ctrl-c is the program\'s', async (t) => {
  const { formation } = await start();
  const oneOff = await formation.run("trap 'echo interrupted; exit 5' INT; stty size; while read line; do stty size; done", { terminal: { rows: 24, columns: 80 } });
  const client = await oneOff.attach();
  t.regex(await seen(client, '24 80'), /24 80/);
  client.resize(50, 132);
  client.write('\r');
  t.regex(await seen(client, '50 132'), /50 132/);
  client.write('\x03');
  t.regex(await seen(client, 'interrupted'), /interrupted/);
  t.is((await oneOff.exited).code, 5);
  await formation.stop();
});

rooted('a client that detaches leaves it running: the log has what it prints, until the next client', async (t) => {
  const { formation, lines } = await start();
  const oneOff = await formation.run('while read line; do echo "got $line"; done; exit 4', { attach: true });
  const first = await oneOff.attach();
  first.write('one\n');
  t.is(await seen(first, 'one'), 'got one\n');
  first.write('two\n');
  first.detach();
  await until(() => lines.includes('app[run.N]: got two'));
  first.write('nothing\n');
  const second = await oneOff.attach();
  second.end('three\n');
  t.is(await text(second), 'got three\n');
  t.is((await oneOff.exited).code, 4);
  t.false(lines.some((line) => line.includes('SIGHUP')));
  await formation.stop();
});

rooted('B6: a client that is lost: SIGHUP to all processes, which end', async (t) => {
  const { formation, lines } = await start();
  const oneOff = await formation.run("trap 'echo main; exit 1' HUP; (trap 'echo child; exit' HUP; while :; do sleep 0.05; done) & sleep 0.3; echo ready; while :; do sleep 0.05; done", { attach: true });
  const client = await oneOff.attach();
  await seen(client, 'ready');
  client.destroy();
  t.is((await oneOff.exited).code, 1);
  await until(() => lines.at(-1)?.endsWith('to complete') === true);
  t.is(lines.filter((line) => line === 'heroku[run.N]: Client connection closed. Sending SIGHUP to all processes').length, 1);
  t.true(lines.includes('app[run.N]: main') && lines.includes('app[run.N]: child'));
  await formation.stop();
});

rooted('B6: one that ignores SIGHUP is R16 after 15 s, runs on, and may have a client again', async (t) => {
  const clock = new FakeClock();
  const { formation, lines } = await start({ clock });
  const oneOff = await formation.run("trap '' HUP; while read line; do echo \"got $line\"; done", { terminal: true });
  const client = await oneOff.attach();
  client.write('a\r');
  await seen(client, 'got a');
  client.destroy();
  await until(() => lines.some((line) => line.includes('SIGHUP')));
  for (const seconds of [5, 5, 5, 100]) {
    clock.advance(seconds * 1000);
    await delay(20);
  }
  t.is(lines.filter((line) => line.endsWith('Sending SIGHUP to all processes')).length, 3);
  t.is(lines.at(-1), 'heroku[run.N]: Error R16 (Detached) -> An attached process is not responding to SIGHUP after its external connection was closed.');
  t.is(oneOff.state, 'up');
  const again = await oneOff.attach();
  again.write('b\r');
  await seen(again, 'got b');
  await formation.stop();
  t.is(oneOff.state, 'complete');
});

rooted('a terminal at which nothing happens for an hour has lost its client', async (t) => {
  const clock = new FakeClock();
  const { formation, lines } = await start({ clock });
  const oneOff = await formation.run('echo ready; while read line; do echo "got $line"; done', { terminal: true });
  const client = await oneOff.attach();
  await seen(client, 'ready');
  clock.advance(3_000_000);
  client.write('a\r');
  await seen(client, 'got a');
  clock.advance(3_000_000);
  t.is(oneOff.state, 'up');
  t.false(client.destroyed);
  clock.advance(600_000);
  t.true(client.destroyed);
  t.is((await oneOff.exited).cause, 'signal');
  t.true(lines.includes('heroku[run.N]: Client connection closed. Sending SIGHUP to all processes'));
  await formation.stop();
});

rooted('a client that does not read holds the program up, and nothing else', async (t) => {
  const { formation } = await start();
  const oneOff = await formation.run('yes | head -c 4000000; echo done >&2; sleep 1000', { attach: true });
  const client = await oneOff.attach();
  await delay(200);
  t.true(client.readableLength < 1_000_000);
  await formation.stop();
  t.is(oneOff.state, 'complete');
  client.destroy();
});

rooted('what cannot be asked of a one-off dyno is refused before anything is started', async (t) => {
  const { formation } = await start();
  const rows: [command: unknown, options: unknown, message: RegExp][] = [
    ['', {}, /argument \/command: expected text that is not empty/],
    [[], {}, /argument \/command/],
    ['x', { attached: true }, /unknown field/],
    ['x', { terminal: true, attach: false }, /option \/terminal: nobody is there to see it/],
    ['x', { type: 'a b' }, /option \/type/],
    ['x', { attachTimeoutMs: 0 }, /option \/attachTimeoutMs/],
    ['x', { stopSignal: 'SIGTREM' }, /SIGTREM/],
    ['x', { env: { 'A=B': '' } }, /option \/env/],
    ['x', { by: 'jo\nheroku[api]: forged' }, /option \/by/],
  ];
  for (const [command, options, message] of rows) {
    // @ts-expect-error as a program without types may
    await t.throwsAsync(formation.run(command, options), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message }, JSON.stringify(options));
  }
  const detached = await formation.run('exec sleep 1000');
  await t.throwsAsync(detached.attach(), { code: 'ERR_TSRUN_STATE', message: /runs detached/ });
  await formation.stop();
});

rooted('in docker\'s form long lines of dynos, and of one-off dynos that nobody is attached to, are cut after 16 KiB, with marks and streams', async (t) => {
  const long = (count: number) => `head -c ${count} /dev/zero | tr '\\0' x`;
  const formation = await Formation.start(await lab.runtime(), lab.image, {
    name: lab.newId(), logLines: 'docker', restart: 'never',
    processTypes: { job: { command: `(${long(16_385)}; echo) >&2; printf end` } }, quantities: { job: 1 },
  });
  const oneOff = await formation.run(`read line; sleep 0.3; ${long(20_000)}; echo`, { attach: true });
  const client = await oneOff.attach();
  client.write('go\n');
  client.detach();
  await oneOff.exited;
  await until(() => formation.dyno('job.1')?.state === 'complete');
  await formation.stop();
  const said: string[] = [];
  for await (const { source, dyno, message, stream, partial } of formation.logs()) {
    if (source === 'app') said.push(`${dyno === oneOff.name ? 'run.N' : dyno} ${stream} ${message.length} ${partial?.ordinal} ${partial?.last}`);
  }
  t.deepEqual(said.sort(), ['job.1 stderr 1 2 true', 'job.1 stderr 16384 1 false', 'job.1 stdout 3 1 false', 'run.N stdout 16384 1 false', 'run.N stdout 3616 2 true']);
});

lab.declareLeakTest();
