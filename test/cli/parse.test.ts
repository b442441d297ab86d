import test from 'ava';
import { parseCommandLine } from '../../src/cli/parse.js';
import { command, context, first, parse, refuses } from './support.js';

test('flags end at the image, and the rest is for the program', (t) => {
  const { positionals, options } = first('run', '-m', '1g', './image', 'ls', '-m', '--memory', '5', '--', '-x');
  t.deepEqual(positionals, ['./image']);
  t.deepEqual(options, { memory: 1024 ** 3, autoRemove: false, command: ['ls', '-m', '--memory', '5', '--', '-x'] });
});

test('"--" before or after the image is dropped once', (t) => {
  t.deepEqual(first('run', './image', '--', 'ls', '--', 'x').options.command, ['ls', '--', 'x']);
  const early = first('run', '-i', '--', '-image', '--', '-t');
  t.deepEqual(early.positionals, ['-image']);
  t.deepEqual(early.options.command, ['-t']);
  t.deepEqual(early.flags, { interactive: true });
  t.is(first('run', './image', '--').options.command, undefined);
});

test('short flags are joined, and a value may follow without a space', (t) => {
  const joined = first('run', '-itu', 'root', '-eA=B', '-eC=', '-m=1k', '-w/app', './image');
  t.deepEqual(joined.flags, { interactive: true, tty: true });
  t.deepEqual(joined.options, {
    autoRemove: false,
    terminal: true,
    user: 'root',
    env: { A: 'B', C: '' },
    memory: 1024,
    cwd: '/app',
  });
  t.deepEqual(first('run', '-t=false', './image').flags, { tty: false });
  t.deepEqual(first('run', '-it=false', './image').flags, { interactive: true, tty: false });
  t.is(first('run', '-itm=1k', './image').options.memory, first('run', '-m', '1k', './image').options.memory);
  t.deepEqual(first('run', '-eit=false', './image').options.env, { it: 'false' }, 'a flag that takes a value takes all that follows');
  const { options, flags } = first('run', '-e', '-it=false', './image', '-it=false');
  t.deepEqual([options.env, options.command, flags], [{ '-it': 'false' }, ['-it=false'], {}], 'nor is a value, or a word of the program');
  refuses(t, 'run', ['-iyt=false', './image'], /^unknown flag "-y" for run$/);
});

test('a value is taken as it stands, even one that looks like a flag', (t) => {
  t.deepEqual(first('run', '-e', '-c=5', './image').options.env, { '-c': '5' });
  t.is(first('run', '--oom-score-adj', '-5', './image').options.oomScoreAdj, -5);
  t.is(first('run', '--pids-limit', '-1', './image').options.pids, -1);
  t.deepEqual(first('run', '--entrypoint', '', './image').options.entrypoint, []);
  t.deepEqual(first('run', '-e', '__proto__=x', './image').options.env, JSON.parse('{"__proto__":"x"}'));
});

test('flags of other commands may follow the containers', (t) => {
  const { positionals, flags } = first('stop', 'a', '-t', '5', 'b', '--', '-c'.slice(1));
  t.deepEqual(positionals, ['a', 'b', 'c']);
  t.deepEqual(flags, { timeoutMs: 5000 });
  t.deepEqual(first('logs', 'web', '-ft', '-n', '3').flags, { follow: true, timestamps: true, tail: 3 });
});

test('env files yield to --env, wherever they stand', (t) => {
  const expected = { PORT: '2', FROM_FILE: 'yes', HOME: '/home/me' };
  t.deepEqual(first('run', '-e', 'PORT=2', '--env-file', './app.env', '-e', 'HOME', '-e', 'UNSET', './image').options.env, expected);
});

test('run keeps a container that has ended unless --rm is given; explain plans nothing of it', (t) => {
  t.false(first('run', './image').options.autoRemove);
  t.true(first('run', '--rm', './image').options.autoRemove);
  t.is(first('explain', './image').options.autoRemove, undefined);
});

test('explain --diff has a second set of flags, with the image and program of the first by default', (t) => {
  const inherited = parse('explain', '--diff', '-m', '1k', './image', 'ls', '-l', '--', '--privileged', '--json');
  t.deepEqual(inherited.first, { positionals: ['./image'], options: { memory: 1024, command: ['ls', '-l'] }, flags: { diff: true } });
  t.deepEqual(inherited.second, { positionals: ['./image'], options: { privileged: true, command: ['ls', '-l'] }, flags: { json: true } });
  const own = parse('explain', '--diff', './image', 'ls', '--', './other', 'id');
  t.deepEqual(own.second, { positionals: ['./other'], options: { command: ['id'] }, flags: {} });
  t.is(parse('explain', './image', '--', 'ls').second, undefined);
  refuses(t, 'explain', ['--diff', './image'], '--diff needs a second set of flags after "--"');
});

test('inspect --diff names the other container', (t) => {
  t.deepEqual(first('inspect', 'web.1', '--diff', 'web.2').flags, { diffWith: 'web.2', isolation: true });
});

test('--help is found before and after flags, but not in the program', (t) => {
  const kind = (...words: string[]) => parseCommandLine(command('run'), words, context).kind;
  t.is(kind('--help'), 'help');
  t.is(kind('-i', '--help', 'x'), 'help');
  t.is(kind('./image', '--help'), 'invocation');
  t.is(parseCommandLine(command('ps'), ['-h'], context).kind, 'help');
  t.is(first('run', '-h', 'web', './image').options.hostname, 'web');
});

test('who is used to skopeo, podman or nerdctl hears what their flags are called here', (t) => {
  const meant = [['--src-tls-verify=false', 'tls-verify'], ['--insecure', 'tls-verify=false'], ['--plain-http', 'tls-verify=false'], ['--creds=me:pw', 'authfile'], ['--arch=arm64', 'platform']] as const;
  for (const [word, name] of meant) refuses(t, 'pull', [word, 'host/x'], `unknown flag "${word.split('=')[0] ?? ''}" for pull, did you mean --${name}?`);
  refuses(t, 'load', ['--src-tls-verify', './x.tar'], 'unknown flag "--src-tls-verify" for load');
  refuses(t, 'pull', ['--tls-verify', 'false', 'host/x'], 'the value of --tls-verify stands behind a blank', 'write --tls-verify=false');
  t.is(first('pull', '--tls-verify=false', 'host/x').options.tlsVerify, false);
  t.is(first('pull', '--tls-verify', 'falsetto').options.tlsVerify, true);
});

test('an unknown flag is named, with the nearest known one', (t) => {
  const hint = 'tsrun run --help lists the flags; those of the program come after its name';
  refuses(t, 'run', ['--memroy', '5', './image'], 'unknown flag "--memroy" for run, did you mean --memory?', hint);
  refuses(t, 'run', ['--memroy=5', './image'], 'unknown flag "--memroy" for run, did you mean --memory?');
  refuses(t, 'run', ['--qqqqqqqqqqqqq', './image'], 'unknown flag "--qqqqqqqqqqqqq" for run');
  refuses(t, 'run', ['-iZ', './image'], 'unknown flag "-Z" for run');
  refuses(t, 'run', ['-rm', './image'], 'unknown flag "-rm" for run, did you mean --rm?');
  refuses(t, 'run', ['-Z', './image'], 'unknown flag "-Z" for run');
  refuses(t, 'run', ['--__proto__', './image'], /^unknown flag "--__proto__"/);
  refuses(t, 'run', ['--constructor=1', './image'], /^unknown flag "--constructor"/);
  refuses(t, 'ps', ['--al'], 'unknown flag "--al" for ps, did you mean --all?', 'tsrun ps --help lists the flags');
});

test('a missing, a wrong and a hostile value are each said in one line', (t) => {
  refuses(t, 'run', ['-e'], 'flag -e needs a value', 'for example -e PORT=5000');
  refuses(t, 'run', ['-m', '12x', './image'], 'invalid value "12x" for -m: expected a number of bytes, or one with a unit such as 512m or 1g');
  refuses(t, 'run', ['--memory', '', './image'], /^invalid value "" for --memory: /);
  refuses(t, 'run', ['-i=perhaps', './image'], 'invalid value "perhaps" for --interactive: expected true or false', 'write --interactive or --interactive=false');
  refuses(t, 'run', ['-u', '\u001b[2J\n', './image'], /^invalid value "\\x1b\[2J\\n" for -u: /);
  refuses(t, 'run', ['--name', '../x', './image'], /^invalid value "..\/x" for --name: /);
});

test('what docker takes for "not set" takes back what was set', (t) => {
  const cases: [string, string, string][] = [['--cpus', '1.5', '0'], ['--cpus', '2', '0.0'], ['-c', '512', '0'], ['--memory-swap', '1g', '0'], ['--cpuset-cpus', '0', ''], ['-u', 'app', ''], ['-w', '/app', '']];
  for (const [flag, value, unset] of cases) {
    t.deepEqual(first('run', flag, value, flag, unset, './image').options, first('run', './image').options, flag);
    t.notDeepEqual(first('run', flag, unset, flag, value, './image').options, first('run', './image').options, flag);
  }
  t.is(first('run', '--pids-limit', '0', './image').options.pids, -1);
  t.is(first('update', '--pids-limit', '0', 'web').options.pids, -1);
  for (const flag of ['--cpus', '--cpu-shares', '--memory-swap']) refuses(t, 'update', [flag, '0', 'web'], 'no limit given');
  t.deepEqual(first('update', '--memory-reservation', '0', 'web').options, { memoryReservation: 0 });
});

test('only what is near is suggested', (t) => {
  const example = 'for example --stop-signal SIGINT';
  for (const none of ['', '70', 'XY']) refuses(t, 'run', ['--stop-signal', none, './image'], `invalid value ${JSON.stringify(none)} for --stop-signal: expected a signal such as SIGTERM, TERM or 15`, example);
  refuses(t, 'run', ['--stop-signal', 'SIGTREM', './image'], /expected a signal/, 'did you mean "SIGTERM"?');
  refuses(t, 'run', ['--mount', 'type=bind,foo=1', './image'], 'invalid value "type=bind,foo=1" for --mount: unknown key "foo"', /^allowed are type, /);
  refuses(t, 'run', ['--mount', 'type=bind,scr=/a', './image'], /unknown key "scr", did you mean "src"\?/);
});

test('flags that contradict each other are refused', (t) => {
  refuses(t, 'run', ['--read-only', '--writable', './image'], '--writable excludes --read-only', 'leave one of the two away');
  refuses(t, 'run', ['--read-only', '--storage-opt', 'size=1m', './image'], '--storage-opt sizes the disposable root, which --read-only does without');
  t.is(first('run', '--writable', '--writable=false', '--read-only', './image').options.root, 'read-only');
  t.is(first('run', '--writable', '--read-only=false', './image').options.root, 'writable');
});

test('positionals are counted and checked', (t) => {
  refuses(t, 'run', [], 'no image given', 'usage: tsrun run [flags] IMAGE [--] [PROGRAM [ARGUMENT…]], or tsrun run --app NAME [flags] [--] COMMAND…');
  refuses(t, 'run', [''], 'argument 1 of run is empty');
  refuses(t, 'exec', ['web'], 'no program given');
  refuses(t, 'exec', ['a/b', 'ls'], '"a/b" cannot be the name of a container');
  refuses(t, 'ps', ['web'], 'unexpected argument "web"');
  refuses(t, 'logs', ['web', 'other'], 'unexpected argument "other"');
  refuses(t, 'wait', [], 'no container given');
  refuses(t, 'rm', ['ok', '..'], '".." cannot be the name of a container');
  refuses(t, 'update', ['web'], 'no limit given');
  t.deepEqual(first('stats').positionals, []);
});

test('run --app has no image: all that follows the flags is the command', (t) => {
  for (const words of [['--app', 'shop', 'ls', '-a'], ['-a', 'shop', '--', 'ls', '-a'], ['-a=shop', 'ls', '-a']]) {
    const { first } = parse('run', ...words);
    t.deepEqual([first.positionals, first.options.command, first.flags.appName], [[], ['ls', '-a'], 'shop'], words.join(' '));
  }
  refuses(t, 'run', ['--size', 'web=1g', 'image'], 'invalid value "web=1g" for --size: expected one size, and no process type');
});
