// tsrun-oci: the command line as runc reads it, what is refused by name, help, version and the debug log.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missing } from '../support/needs.js';
import { ociLab, ociTest } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const here = ociTest;
const lab = ociLab();

const commands = ['checkpoint', 'create', 'delete', 'events', 'exec', 'features', 'help', 'kill', 'list', 'mounts', 'pause', 'ps', 'restore', 'resume', 'run', 'spec', 'start', 'state', 'update'];

here('help names every command and flag, in each of the ways that ask for it', (t) => {
  const all = lab.call('--help');
  t.is(all.code, 0);
  t.deepEqual([...all.stdout.matchAll(/^ {3}(\w+) {2,}/gm)].map(([, name]) => name), commands);
  for (const words of [['-h'], ['help'], []]) t.is(lab.call(...words).stdout, all.stdout, words.join(' '));
  for (const name of commands.filter((each) => each !== 'help')) {
    const help = lab.call('help', name);
    t.regex(help.stdout, new RegExp(`^NAME:\n {3}tsrun-oci ${name} - .+\n\nUSAGE:\n {3}tsrun-oci ${name} `), name);
    if (name === 'checkpoint' || name === 'restore') continue;
    t.is(lab.call(name, '--help').stdout, help.stdout, name);
    t.is(lab.call(name, 'x', '-h').stdout.startsWith('NAME:') || name === 'exec' || name === 'ps', true, name);
  }
});

here('a wrong use is shown the right one, and named on standard error', (t) => {
  for (const [words, says, code] of [
    [['state'], 'tsrun-oci: "state" requires exactly 1 argument(s)', 1],
    [['ps'], 'tsrun-oci: "ps" requires a minimum of 1 argument(s)', 1],
    [['kill', 'a', 'b', 'c'], 'tsrun-oci: "kill" requires a maximum of 2 argument(s)', 1],
    [['state', '--nosuch', 'x'], 'flag provided but not defined: -nosuch', 1],
    [['list', '--quiet=maybe'], 'invalid boolean value "maybe" for -quiet: parse error', 1],
    [['create', '--preserve-fds', 'x', 'y'], 'invalid value "x" for flag -preserve-fds: parse error', 1],
    [['create', '--bundle'], 'flag needs an argument: -bundle', 1],
  ] as const) {
    const answer = lab.call(...words);
    t.deepEqual([answer.code, answer.stderr], [code, `${says}\n`], words.join(' '));
    t.true(answer.stdout.startsWith(`Incorrect Usage: ${says}\n\nNAME:\n   tsrun-oci ${words[0]} - `), answer.stdout);
  }
  for (const words of [['nosuch'], ['help', 'nosuch'], ['nosuch', '-h']]) t.deepEqual(lab.call(...words), { code: 3, signal: null, stdout: '', stderr: 'No help topic for \'nosuch\'\n' });
});

here('what is not held is refused with its reason', (t) => {
  for (const [words, says] of [
    [['--criu', '/x', 'list'], /^--criu is not supported: /],
    [['--rootless=maybe', 'list'], /^invalid value "maybe" for --rootless/],
    [['--log-format', 'xml', 'list'], /^invalid log-format: xml/],
    [['create', '--no-pivot', 'x'], /^--no-pivot is not supported: the root is changed by pivot_root/],
    [['run', '--no-pivot', 'x'], /^--no-pivot is not supported/],
    [['checkpoint', '--image-path', '/x', 'x'], /^checkpoint is not there yet/],
    [['restore', '--detach', 'x'], /^restore is not there yet/],
    [['list', '--format', 'xml'], /^invalid format option/],
    [['ps', '--format', 'xml', 'x'], /^invalid format option/],
  ] as const) {
    const { code, stderr } = lab.call(...words);
    t.is(code, 1, words.join(' '));
    t.regex(stderr, says);
  }
});

here('--regex: all containers in whose ids the pattern is found', async (t) => {
  const ids = [lab.running(), lab.running()];
  const other = lab.running();
  const pattern = `^(${ids.join('|')})$`;
  t.is(lab.call('kill', '--regex', pattern, 'KILL').code, 0);
  await until(() => ids.every((id) => lab.status(id) === 'stopped'), 'their end');
  t.regex(lab.call('kill', '--regex', pattern, 'KILL').stderr, /container not running/);
  t.is(lab.status(other), 'running');
  t.regex(lab.call('delete', '--regex', `${pattern}|${other}`).stderr, new RegExp(`cannot delete container ${other} that is not stopped: running`));
  t.deepEqual([...ids, other].map((id) => lab.call('state', id).code), [1, 1, 0]);
  t.is(lab.call('delete', '--regex', '(').stderr, 'invalid regular expression (\n');
  t.is(lab.call('delete', '--regex', 'nobody-has-this').code, 0);
  t.is(lab.call('delete', '--force', '--regex', `^${other}$`).code, 0);
  t.is(lab.call('state', other).code, 1);
});

here('--config: another file than config.json, of the bundle or elsewhere', (t) => {
  const bundle = lab.bundle({ args: ['false'] });
  writeFileSync(join(bundle, 'other.json'), readFileSync(join(bundle, 'config.json'), 'utf8').replace('"false"', '"echo","other"'));
  for (const path of ['other.json', join(bundle, 'other.json')]) t.is(lab.call('run', '--config', path, '--bundle', bundle, lab.newId()).stdout, 'other\n');
  t.regex(lab.call('create', '--config', 'no.json', '--bundle', bundle, lab.newId()).stderr, /JSON specification file .*\/no.json not found/);
});

here('--cgroup-manager: none of its own when disabled, and a limit is an error then', (t) => {
  const id = lab.newId();
  const log = join(lab.folder, 'disabled.log');
  t.is(lab.call('--log', log, '--cgroup-manager', 'disabled', 'run', '--detach', '--bundle', lab.bundle(), id).code, 0);
  t.is(readFileSync(log, 'utf8'), '');
  const pid = String(lab.state(id)['pid']);
  t.is(readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n').find((line) => line.startsWith('0::')), readFileSync('/proc/self/cgroup', 'utf8').split('\n').find((line) => line.startsWith('0::')));
  t.is(lab.call('exec', id, 'true').code, 0);
  t.is(lab.call('delete', '--force', id).code, 0);
  t.deepEqual(lab.traces(id), []);
  t.not(lab.call('--cgroup-manager', 'disabled', 'run', '--bundle', lab.bundle({ linux: { resources: { pids: { limit: 5 } } } }), lab.newId()).code, 0);
  t.is(lab.call('--cgroup-manager', 'cgroupfs', 'run', '--bundle', lab.bundle({ args: ['true'] }), lab.newId()).code, 0);
  t.is(lab.call('--cgroup-manager', 'other', 'list').stderr, 'unknown cgroup manager specified: other\n');
});

here('the version, in the lines that Docker reads', (t) => {
  for (const flag of ['--version', '-v']) t.regex(lab.call(flag).stdout, /^tsrun-oci version \d+\.\d+\.\d+\nspec: 1\.3\.0\nlibseccomp: \d+\.\d+\.\d+\n$/);
});

here('flags may stand behind the id, but for exec and ps, whose words are another program\'s', (t) => {
  const id = lab.running();
  t.is(lab.call('exec', id, 'echo', '--env', '-h').stdout, '--env -h\n');
  t.regex(lab.call('ps', id, '-o', 'pid,comm').stdout, /^ +PID COMMAND\n *\d+ sleep\n$/);
  t.is(lab.call('kill', id, 'KILL', '--all').code, 0);
  t.is(lab.call('delete', id, '--force').code, 0);
});

here('signals by any of their names, and no other words', async (t) => {
  const id = lab.running({ args: ['sh', '-c', 'trap "echo usr1" USR1; trap "echo io" IO; trap "echo rt" RTMIN+3 2>/dev/null; echo ready; while :; do sleep 0.05; done'] });
  for (const word of ['SIGUSR1', 'usr1', '10', 'SIGIO', 'POLL', 'RTMIN+3', 'SIGCHLD', '0']) t.is(lab.call('kill', id, word).code, 0, word);
  for (const word of ['NOSUCH', '65', '-1', '1.5', '', 'SIG', 'RTMIN+99']) t.is(lab.call('kill', id, word).stderr, `unknown signal ${JSON.stringify(word)}\n`);
  t.is(lab.call('kill', '--all', id, '9').code, 0);
  await until(() => lab.status(id) === 'stopped', 'its end');
  t.is(lab.call('delete', id).code, 0);
});

here('without a pid namespace of its own, SIGKILL is for all processes', async (t) => {
  const namespaces = ['ipc', 'uts', 'mount', 'network', 'cgroup'].map((type) => ({ type }));
  const id = lab.running({ args: ['sh', '-c', 'sleep 1000 & sleep 1000 & wait'], linux: { namespaces } });
  const pids = () => JSON.parse(lab.call('ps', '--format', 'json', id).stdout) as number[];
  await until(() => pids().length === 3, 'its processes');
  t.is(lab.call('kill', id, 'KILL').code, 0);
  t.deepEqual(pids(), []);
  t.is(lab.call('delete', id).code, 0);
});

here('--debug logs what is done, step by step, beside errors', (t) => {
  const id = lab.newId();
  const log = join(lab.folder, 'debug.json');
  t.is(lab.call('--debug', '--log', log, '--log-format', 'json', 'run', '--bundle', lab.bundle({ args: ['true'] }), id).code, 0);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { readonly level: string; readonly msg: string; readonly time: string });
  t.true(lines.every(({ level, time }) => level === 'debug' && !Number.isNaN(Date.parse(time))));
  t.true(lines.some(({ msg }) => /^plan: step \d+, from .*: execute/.test(msg)));
  t.regex(lines.at(-1)?.msg ?? '', /^run: exits with 0 after \d+ ms$/);
  t.regex(lab.call('--debug', 'list').stderr, /^time="[-0-9T:]+Z" level=debug msg="list: \[\]"\n/);
  t.is(lab.call('list').stderr, '');
});

here('--rootless is read, and a host that has cgroups gives one with each of its words', (t) => {
  for (const word of ['true', 'false', 'auto']) t.is(lab.call(`--rootless=${word}`, 'run', '--bundle', lab.bundle({ args: ['true'] }), lab.newId()).code, 0, word);
});

here('a session keyring of its own, but with --no-new-keyring', (t) => {
  const log = join(lab.folder, 'keyring.log');
  const steps = (...words: readonly string[]) => {
    rmSync(log, { force: true });
    t.is(lab.call('--debug', '--log', log, ...words).code, 0, words.join(' '));
    return readFileSync(log, 'utf8').includes(': joinKeyring');
  };
  const [first, second] = [lab.newId(), lab.newId()];
  t.true(steps('run', '--detach', '--bundle', lab.bundle(), first));
  t.true(steps('exec', first, 'true'));
  t.false(steps('run', '--detach', '--no-new-keyring', '--bundle', lab.bundle(), second));
  t.false(steps('exec', second, 'true'));
  for (const id of [first, second]) t.is(lab.call('delete', '--force', id).code, 0);
});

const listener = `
import array, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print('ready', flush=True)
connection, _ = server.accept()
name, extra, _, _ = connection.recvmsg(64, socket.CMSG_SPACE(4))
descriptor = array.array('i', extra[0][2])[0]
pid = [line.split()[1] for line in open('/proc/self/fdinfo/%d' % descriptor) if line.startswith('Pid:')][0]
print(name.decode(), pid, flush=True)
`;

here('a pidfd goes to whoever listens', async (t) => {
  if (missing('command:python3').length > 0) {
    t.pass('nobody here can receive one');
    return;
  }
  const script = join(lab.folder, 'listener.py');
  writeFileSync(script, listener);
  const listen = async (name: string) => {
    const socket = join(lab.folder, name);
    const child = spawn('python3', [script, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => { said += piece; });
    const ended = new Promise((done) => child.on('exit', done));
    await until(() => said.includes('ready'), 'the listener');
    return { socket, answer: async () => ended.then(() => said.replace('ready\n', '').trim()) };
  };
  const id = lab.newId();
  const first = await listen('first.sock');
  t.is(lab.call('run', '--detach', '--pidfd-socket', first.socket, '--bundle', lab.bundle(), id).code, 0);
  t.is(await first.answer(), `standard ${String(lab.state(id)['pid'])}`);
  const second = await listen('second.sock');
  const pidFile = join(lab.folder, 'exec.pid');
  t.is(lab.call('exec', '--detach', '--pidfd-socket', second.socket, '--pid-file', pidFile, id, 'sleep', '1000').code, 0);
  t.is(await second.answer(), `setns ${readFileSync(pidFile, 'utf8')}`);
  t.is(lab.call('delete', '--force', id).code, 0);
  const third = await listen('third.sock');
  const annotated = lab.newId();
  t.is(lab.call('create', '--bundle', lab.bundle({ more: { annotations: { 'run.oci.pidfd_receiver': third.socket } } }), annotated).code, 0);
  t.is(await third.answer(), `standard ${String(lab.state(annotated)['pid'])}`);
  t.is(lab.call('delete', '--force', annotated).code, 0);
});

here('a sub-cgroup of exec lies below the container\'s, wherever its path points', (t) => {
  const id = lab.running();
  for (const [path, says] of [['../other', /^bad sub cgroup path: \.\.\/other/], ['/a/../../..', /^bad sub cgroup path/], ['cpu:/x', /^invalid --cgroup argument: cpu:\/x/], ['/nosuch', /no such file or directory/]] as const) {
    const { code, stderr } = lab.call('exec', '--cgroup', path, id, 'true');
    t.true((code ?? 0) > 0);
    t.regex(stderr, says, path);
  }
  t.is(lab.call('exec', '--cgroup', '/', id, 'true').code, 0);
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('descriptors that are to be preserved must be there, and none of this command\'s own stands in for one', (t) => {
  const id = lab.newId();
  for (const command of ['create', 'run']) {
    const { code, stderr } = lab.call(command, '--preserve-fds', '2', '--bundle', lab.bundle(), id);
    t.deepEqual([code, stderr], [1, 'unable to stat preserved-fd 1 (of 2): it is not open\n']);
  }
  t.is(lab.call('state', id).code, 1);
  const other = lab.running();
  t.is(lab.call('exec', '--preserve-fds', '1', other, 'true').stderr, 'unable to stat preserved-fd 1 (of 1): it is not open\n');
  t.is(lab.call('delete', '--force', other).code, 0);
});

here('numbers above 2^53 in config.json are kept', (t) => {
  const id = lab.newId();
  const bundle = lab.bundle();
  const path = join(bundle, 'config.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"args"', '"rlimits":[{"type":"RLIMIT_CPU","soft":18446744073709551615,"hard":18446744073709551615}],"args"'));
  const created = lab.call('create', '--bundle', bundle, id);
  t.is(created.code, 0, created.stderr);
  t.is(lab.status(id), 'created');
  t.is(lab.call('start', id).code, 0);
  t.is(lab.call('exec', id, 'sh', '-c', 'ulimit -t').stdout, 'unlimited\n');
  t.is(lab.call('delete', '--force', id).code, 0);
});
