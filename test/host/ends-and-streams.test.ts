// What a container is given when nobody says anything, and what is left of one in the odd cases: found by review, each one
// failed before it was mended.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { makeRaw, readLog, resizeTerminal, Runtime, type RunOptions } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab, outcome } from '../support/lab.js';
import { cgroupsOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';
import { statusFields, statusOf } from '../support/proc.js';
import { until } from '../support/until.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

function bundleWith(changes: object): string {
  const bundle = join(lab.scratch, `bundle-${readdirSync(lab.scratch).length}`);
  mkdirSync(bundle);
  const base = {
    ociVersion: '1.0.2',
    process: { user: { uid: 0, gid: 0 }, args: ['cat', '/proc/self/status'], env: ['PATH=/bin'], cwd: '/' },
    root: { path: makeImage(lab, {}) },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify({ ...base, ...changes }));
  return bundle;
}

here('a bundle that names no capabilities gets none', async (t) => {
  const fields = statusFields((await lab.run({}, bundleWith({}))).stdout);
  for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb']) t.is(fields.get(set), '0000000000000000', set);
});

here('a stream that is ignored is a null device, but not the host\'s, and takes no change', async (t) => {
  const script = 'for n in 0 2; do stat -L -c %t:%T:%d:%i /proc/self/fd/$n; done; chmod 0 /proc/self/fd/0; echo $?; head -c 1 <&0; echo lost >/proc/self/fd/2 && echo written';
  const { mode, dev, ino } = statSync('/dev/null');
  const { stdout } = await lab.sh(script, { namespaces: { user: 'host' }, stdin: 'ignore', stderr: 'ignore' });
  const [input, errors, ...rest] = stdout.trim().split('\n');
  t.is(input, errors);
  t.regex(input ?? '', /^1:3:/);
  t.not(input, `1:3:${dev}:${ino}`);
  t.deepEqual(rest, ['1', 'written']);
  t.is(statSync('/dev/null').mode, mode);
});

here('what is executed in a container has its oom score', async (t) => {
  const container = await lab.idle({ oomScoreAdj: 321 });
  t.is((await lab.exec(container, { command: ['cat', '/proc/self/oom_score_adj'] })).stdout, '321\n');
  await container[Symbol.asyncDispose]();
});

needs('root', 'userns', 'capability:CAP_SYS_RESOURCE')('an oom score below the caller\'s own', async (t) => {
  t.is((await lab.sh('cat /proc/self/oom_score_adj', { oomScoreAdj: -500 })).stdout, '-500\n');
});

needs('root', 'userns', 'overlay', 'capability:CAP_SYS_RESOURCE')('an agent\'s own protection is not its containers\'', (t) => {
  const program = `
    import { Runtime } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.js'))};
    const runtime = await Runtime.open({ root: ${JSON.stringify(lab.stateRoot)} });
    const container = await runtime.run(${JSON.stringify(lab.image)}, { id: ${JSON.stringify(lab.newId())}, command: ['cat', '/proc/self/oom_score_adj'], stdout: 'inherit' });
    await container.exited; await runtime.close();`;
  const { stdout } = spawnSync('sh', ['-c', 'echo -500 >/proc/self/oom_score_adj && exec "$0" --input-type=module -e "$1"', process.execPath, program], { encoding: 'utf8' });
  t.is(stdout, '0\n');
});

here('the end of a container that cannot be read hides no other', async (t) => {
  const runtime = await lab.runtime();
  const ids = [lab.newId(), lab.newId()];
  for (const id of ids) await outcome(await runtime.run(lab.image, { id, command: ['true'], autoRemove: false }));
  const [broken = '', whole = ''] = ids;
  writeFileSync(join(runtime.statePath(broken), 'exit'), 'x');
  const states = new Map(runtime.list().map(({ id, state, exit }) => [id, [state, exit?.code]]));
  t.deepEqual([states.get(broken), states.get(whole)], [['stopped', undefined], ['stopped', 0]]);
  for (const id of ids) runtime.remove(id);
});

here('a log that is nowhere, and a descriptor that is no terminal, are told as such', async (t) => {
  const read = async (folder: string) => {
    for await (const { bytes } of readLog(folder)) t.fail(bytes.toString());
  };
  await t.throwsAsync(read('/nope'), { code: 'ERR_TSRUN_NOT_FOUND' });
  await t.notThrowsAsync(read('/etc'));
  const asks = [() => { makeRaw(9999); }, () => { resizeTerminal(9999, 1, 1); }];
  for (const ask of asks) t.like(t.throws(ask), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/fd' });
});

here('what a JSON of the options would hide is refused, also after a start that was alike', async (t) => {
  await lab.sh('true', { env: {} });
  const options: RunOptions = {};
  Object.assign(options, { env: new Map([['A', 'b']]) });
  t.like(await t.throwsAsync(lab.sh('true', options)), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/env' });
});

here('a full disk costs pieces of the log, and leaves whole ones and no container behind', async (t) => {
  const root = join(lab.scratch, 'small');
  mkdirSync(root);
  t.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', root]).status, 0);
  try {
    const runtime = await Runtime.open({ root });
    const options = { id: lab.newId(), log: true, autoRemove: false, stdout: 'ignore', stderr: 'ignore' } as const;
    const full = await runtime.run(lab.image, { ...options, command: ['sh', '-c', 'yes 0123456789abcde | head -c 2000000; sleep 100'] });
    let kept = '';
    for (let turn = 0; turn < 200 && kept.length < 100_000; turn++) {
      kept = '';
      for await (const { bytes } of readLog(runtime.statePath(full.id))) kept += bytes.toString();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    t.true(kept.length > 100_000);
    t.regex(kept, /^(?:[0-9a-f\n])*$/);
    await full.killAll();
    await full.exited;
    t.false(runtime.list().some(({ state }) => state !== 'stopped'));
    await runtime.close();
  } finally {
    spawnSync('umount', ['-l', root]);
  }
});

needs('root', 'cgroup2')('cgroups that a container made are removed, hidden ones too', async (t) => {
  const { status } = await lab.sh('mkdir -p /sys/fs/cgroup/.hidden/below /sys/fs/cgroup/shown', { privileged: true, namespaces: { user: 'host' } });
  t.is(status.code, 0);
  t.deepEqual(cgroupsOf(lab.prefix), []);
});

here('a working directory that is missing is made, in a read-only root too', async (t) => {
  t.is((await lab.run({ command: ['pwd'], cwd: '/not/there', root: 'read-only' })).stdout, '/not/there\n');
});

here('who started a container that survives can end its input', async (t) => {
  const container = await lab.start({ command: ['cat'], stdin: 'pipe', survive: true });
  container.stdin?.end('all of it\n');
  const { stdout, status } = await outcome(container);
  t.deepEqual([stdout, status.code], ['all of it\n', 0]);
});

here('the end of the input of a container whose launcher was just killed is no error of its own', async (t) => {
  const runtime = await Runtime.open({ root: lab.stateRoot });
  const container = await runtime.run(lab.image, { id: lab.newId(), command: ['cat'], stdin: 'pipe', stdout: 'ignore', survive: true });
  const launcher = Number(statusOf(container.pid).get('PPid'));
  const { stdin } = container;
  process.kill(launcher, 'SIGKILL');
  stdin?.end();
  // So that the pipe is closed before the loop hears of the death.
  while (existsSync(`/proc/${launcher}/ns/pid`));
  t.is((await container.exited).cause, 'lost');
  await runtime.close();
  await (await lab.runtime()).gc();
});

here('in the host\'s pid namespace the program under the reaper dies with the launcher too', async (t) => {
  const runtime = await Runtime.open({ root: join(lab.stateRoot, 'doomed') });
  t.teardown(async () => runtime.close());
  const container = await runtime.run(lab.image, { id: lab.newId(), command: ['sleep', '1000'], init: true, stdout: 'ignore', stderr: 'ignore', namespaces: { pid: 'host' } });
  const programOf = () => readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8').trim();
  // The reaper is there before the program is.
  await until(() => programOf() !== '' && readFileSync(`/proc/${programOf()}/comm`, 'utf8') === 'sleep\n', 'the program');
  const program = programOf();
  process.kill(Number(statusOf(container.pid).get('PPid')), 'SIGKILL');
  await until(() => !existsSync(`/proc/${program}`), 'the end of the program');
  t.is((await container.exited).cause, 'lost');
  await runtime.gc();
});

here('ctrl-z does not stop a program for ever that runs under the reaper', async (t) => {
  const container = await lab.start({ command: ['cat'], terminal: true, init: true });
  const { terminal } = container;
  if (terminal === null) return void t.fail('it has a terminal');
  const said = text(terminal.output);
  terminal.input.write('\x1aone\n');
  setTimeout(() => terminal.input.write('\x04'), 300);
  t.is((await container.exited).code, 0);
  t.regex(await said, /one\r\none\r\n/);
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
