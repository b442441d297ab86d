// `tsrun up`: the processes of an app together, at a shell.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { CliLab, said, type Said } from '../support/cli-lab.js';
import { processesOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';

const lab = new CliLab();
const rooted = needs('root');

let procfiles = 0;

function procfile(text: string): string {
  const path = join(lab.imageRoot, `Procfile-${procfiles++}`);
  writeFileSync(path, text);
  return path;
}

interface Started {
  readonly child: ChildProcess;
  readonly end: Promise<Said>;
}

/** Until its standard output has this. */
async function start(words: readonly string[], ready: RegExp): Promise<Started> {
  const child = lab.spawn(['up', '--name', lab.newId(), ...words]);
  const end = said(child);
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (piece: string) => {
      text += piece;
      if (ready.test(text)) resolve();
    });
    child.once('exit', () => {
      reject(new Error(`it ended before it was ready: ${text}`));
    });
  });
  return { child, end };
}

const app = "web: echo $GREETING; exec httpd -f -p $PORT\nworker: trap 'echo bye; exit 0' TERM; echo working; while :; do sleep 0.05; done\n";
const up = /^(?=[^]*web\.1\]: State changed from starting to up)(?=[^]*web\.2\]: State changed from starting to up)(?=[^]*worker\.1\]: working)/;

rooted('all processes run, their logs are one, and ctrl-c ends them in order', async (t) => {
  const { child, end } = await start(['--formation', 'web=2,worker=1', '-f', procfile(app), '-e', 'GREETING=hello', '--port', '8080', lab.image], up);
  child.kill('SIGINT');
  const { code, stdout, stderr } = await end;
  t.is(code, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  for (const line of lines) t.regex(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 (?:app|heroku)\[(?:web\.[12]|worker\.1)\]: /);
  const messages = lines.map((line) => line.slice(33));
  for (const message of ['app[web.2]: hello', 'app[worker.1]: working', 'app[worker.1]: bye', 'heroku[worker.1]: Process exited with status 0', 'heroku[web.1]: Process exited with status 143', 'heroku[web.2]: State changed from up to down']) t.true(messages.includes(message), message);
});

rooted('a published port has the connections of web', async (t) => {
  const file = procfile('web: exec httpd -f -p $PORT');
  const { child, end } = await start(['--formation', 'web=1', '-f', file, '-p', '127.0.0.1::5000', '--preboot', '--idle', '3600', lab.image], /Listening on 127\.0\.0\.1:\d+ for web/);
  const text = await new Promise<string>((resolve) => {
    const lines: string[] = [];
    child.stdout?.on('data', (piece: string) => {
      lines.push(piece);
      if (lines.join('').includes('starting to up')) resolve(lines.join(''));
    });
  });
  t.notRegex(text, /at=error/);
  child.kill('SIGINT');
  const { code, stdout } = await end;
  t.is(code, 0);
  t.regex(stdout, /heroku\[router\]: Listening on 127\.0\.0\.1:\d+ for web/);
});

rooted('how dynos are ended is said of a type, and of all others', async (t) => {
  const says = (name: string) => `${name}: trap 'echo ${name} INT; exit 0' INT; trap 'echo ${name} QUIT; exit 0' QUIT; echo ready; while :; do sleep 0.05; done`;
  const file = procfile(`${says('worker')}\n${says('clock')}\nweb: sleep 1000\nstuck: trap '' INT; echo ready; while :; do sleep 0.05; done\n`);
  const words = ['--delivery', 'stuck=main,all', '--stop-signal', 'clock=QUIT,INT', '--stop-timeout', 'stuck=1,20', '--boot-timeout', '1', '--restart', 'never'];
  const { child, end } = await start(['--formation', 'worker=1,clock=1,stuck=1,web=1', '-f', file, ...words, lab.image], /^(?=[^]*worker\.1\]: ready)(?=[^]*clock\.1\]: ready)(?=[^]*stuck\.1\]: ready)(?=[^]*web\.1\]: State changed from starting to crashed)/);
  child.kill('SIGINT');
  const { stdout } = await end;
  const messages = stdout.trimEnd().split('\n').map((line) => line.slice(33));
  for (const message of [
    'heroku[worker.1]: Stopping all processes with SIGINT', 'app[worker.1]: worker INT', 'heroku[clock.1]: Stopping all processes with SIGQUIT', 'app[clock.1]: clock QUIT',
    'heroku[stuck.1]: Error R12 (Exit timeout) -> At least one process failed to exit within 1 second of SIGINT',
    'heroku[web.1]: Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 1 second of launch',
  ]) t.true(messages.includes(message), `${message}\n${stdout}`);
});

rooted('ctrl-c twice kills at once', async (t) => {
  const { child, end } = await start(['--formation', 'worker=1', '-f', procfile("worker: trap '' TERM; echo ready; while :; do sleep 0.05; done"), lab.image], /ready\n/);
  child.stdout?.on('data', (text: string) => {
    if (text.includes('Stopping all processes')) child.kill('SIGINT');
  });
  child.kill('SIGINT');
  t.is((await end).code, 0);
  t.deepEqual(processesOf(lab.prefix), []);
});

rooted('it ends when no dyno is to come back: with 1 if one has crashed', async (t) => {
  for (const [command, code] of [['true', 0], ['exit 3', 1]] as const) {
    const ended = await lab.tsrun(['up', '--name', lab.newId(), '--formation', 'job=2', '--restart', 'never', '-f', procfile(`job: ${command}`), lab.image]);
    t.is(ended.stdout.match(code === 0 ? /State changed from up to complete/g : /State changed from up to crashed/g)?.length, 2, ended.stdout);
    t.is(ended.code, code);
  }
});

rooted('what a program prints does not drive the terminal; JSON has it as it was', async (t) => {
  const file = procfile("job: printf 'a\\033[31mred\\033[2J\\tb\\n'");
  const words = ['--formation', 'job=1', '--restart', 'fly', '-f', file, lab.image];
  const plain = await lab.tsrun(['up', '--name', lab.newId(), ...words]);
  t.regex(plain.stdout, /app\[job\.1\]: ared\\x1b\[2J\tb\n/);
  const { stdout } = await lab.tsrun(['up', '--name', lab.newId(), '--json', ...words]);
  const lines = stdout.trimEnd().split('\n').map((line): unknown => JSON.parse(line));
  t.true(lines.some((line) => JSON.stringify(line).includes('"source":"app","dyno":"job.1","message":"a\\u001b[31mred\\u001b[2J\\tb"')));
});

rooted('the release phase is seen, and comes first; where it fails nothing else is started', async (t) => {
  const job = 'job: echo working\n';
  const done = await lab.tsrun(['up', '--name', lab.newId(), '--formation', 'job=1', '--restart', 'fly', '-f', procfile(`release: echo migrated\n${job}`), lab.image]);
  t.is(done.code, 0, done.stderr);
  t.regex(done.stdout, /app\[release\.1\]: migrated\n[^]*release\.1\]: State changed from up to complete\n[^]*app\[job\.1\]: working\n/);
  const failed = await lab.tsrun(['up', '--name', lab.newId(), '--formation', 'job=1', '-f', procfile(`release: echo broken; exit 3\n${job}`), lab.image]);
  t.is(failed.code, 1);
  t.regex(failed.stdout, /app\[release\.1\]: broken\n/);
  t.notRegex(failed.stdout, /job/);
  t.regex(failed.stderr, /the release phase failed: its program ended with status 3\nhint: /);
});

rooted('app.json and .env give config vars, numbers and a script; flags go over them', async (t) => {
  const file = (name: string, content: string) => {
    const path = join(lab.imageRoot, name);
    writeFileSync(path, content);
    return path;
  };
  const app = file('app.json', JSON.stringify({ env: { STAGE: 'test', KEY: { generator: 'secret' }, TOKEN: {} }, formation: { job: { quantity: 2 } }, scripts: { postdeploy: 'echo "seeded $STAGE"' }, buildpacks: [] }));
  const env = file('dot.env', 'export TOKEN="a\\nb" # secret\nSTAGE=live\nMORE=dotenv\n');
  const words = ['--app-json', app, '--restart', 'fly', '-f', procfile('job: echo "$STAGE ${#KEY} $TOKEN $MORE"; sleep 1\n')];
  const { code, stdout, stderr } = await lab.tsrun(['up', '--name', lab.newId(), ...words, '--dotenv', env, '-e', 'MORE=flag', lab.image]);
  t.is(code, 0, stderr);
  for (const job of [1, 2]) for (const line of ['live 64 a', 'b flag']) t.true(stdout.includes(`app[job.${job}]: ${line}\n`), stdout);
  t.regex(stdout, /app\[run\.\d{4}\]: seeded live\n/);
  const without = await lab.tsrun(['up', '--name', lab.newId(), ...words, lab.image]);
  t.is(without.code, 125);
  t.regex(without.stderr, /the app needs the config var "TOKEN", which has no value/);
  const warned = await lab.shell(`$tsrun up --app-json ${app} $image 2>&1`);
  t.regex(warned.stdout, /warning: .*app\.json: 'buildpacks' is passed over: an image or a slug is built already\n/);
  const broken = await lab.tsrun(['up', '--name', lab.newId(), '--app-json', file('broken.json', '{\n "env": 5 }'), lab.image]);
  t.regex(broken.stderr, /for --app-json: .*broken\.json \/env: expected an object, found 5/);
});

rooted('by the profile of Heroku\'s containers it is nobody that the folder knows, in a login shell', async (t) => {
  const file = procfile('job: echo "user $(id -u) in $0"; id -un; exec sleep 1000');
  const { child, end } = await start(['--profile', 'heroku-container', '--formation', 'job=1', '-f', file, lab.image], /unknown (?:uid|ID)/);
  child.kill('SIGTERM');
  const { stdout } = await end;
  t.regex(stdout, /app\[job\.1\]: user [2-5]\d{4} in \/bin\/sh\n/);
});

rooted('a formation that cannot be is told of, and nothing is started', async (t) => {
  const rows: [words: string[], message: RegExp][] = [
    [[lab.image], /there is no process type "web" in .*\nhint: give a Procfile/],
    [['--formation', 'web=2', '-f', procfile('web: true\nworker true'), lab.image], /invalid value ".*" for (?:-f|--procfile): .*Procfile-\d+:2: expected 'type: command'/],
    [['--formation', 'web', lab.image], /for --formation: .*expected TYPE=NUMBER/],
    [['--formation', 'wbe=1', '-f', procfile('web: true'), lab.image], /there is no process type "wbe" .*\nhint: did you mean "web"\?/],
    [['--profile', 'heroku-container', '--user', '0', '-f', procfile('web: true'), lab.image], /option \/container\/user: the profile heroku-container has no such thing/],
    [['--profile', 'heroku', lab.image], /for --profile/],
    [['--restart', 'herku', lab.image], /for --restart/],
    [['-p', '8080:x', lab.image], /for (?:-p|--publish): .*\nhint: write 8080:5000/],
    [['--idle', '0', lab.image], /for --idle/],
    [['--detached', lab.image], /unknown flag "--detached" for up/],
  ];
  for (const [words, message] of rows) {
    const { code, stdout, stderr } = await lab.tsrun(['up', '--name', lab.newId(), ...words]);
    t.regex(stderr, message);
    t.is(code, 125);
    t.is(stdout, '');
  }
});

lab.declareLeakTest();
