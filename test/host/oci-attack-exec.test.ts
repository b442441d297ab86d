// `exec` into a container whose first process may trace what it sees: CAP_SYS_PTRACE without a user namespace (CVE-2016-9962).
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { patience } from '../support/lab.js';
import { ociLab, ociTest as here, program, type Config } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const lab = ociLab();
const hit = 10;
const seconds = 5 * patience;

const sets = (...names: readonly string[]) => ({ bounding: names, effective: names, permitted: names });
/** Bits of capability.h. */
const masks: Readonly<Record<string, number>> = { CAP_KILL: 5, CAP_SYS_PTRACE: 19, CAP_SYS_ADMIN: 21 };
const maskOf = (names: readonly string[]) => names.reduce((sum, name) => sum + 2 ** (masks[name] ?? 0), 0).toString(16);

interface Attack {
  readonly code: number;
  readonly said: string;
}

let count = 0;

/** A container whose first process stops who comes in, while many are executed there. */
async function attack(capabilities: readonly string[], { linux = {}, ofProcess = {} }: { readonly linux?: Config['linux']; readonly ofProcess?: Config['process'] } = {}): Promise<Attack> {
  const out = join(lab.folder, `attack-${count++}`);
  mkdirSync(out);
  const id = lab.newId();
  const line = `read-newcomers ${seconds} ${maskOf(capabilities)} ${id} >/out/said; echo $? >/out/code`;
  // A second program, so that the first one of the container is not in the way.
  const bundle = lab.bundle({
    args: ['sh', '-c', line],
    process: { capabilities: sets(...capabilities), ...ofProcess },
    linux: { ...linux },
    more: { mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/out', type: 'bind', source: out, options: ['bind', 'rw'] }] },
  });
  const created = lab.call('create', '--bundle', bundle, id);
  if (created.code !== 0) throw new Error(created.stderr);
  lab.call('start', id);
  await until(() => existsSync(join(out, 'said')) && readFileSync(join(out, 'said'), 'utf8').includes('ready'), 'the attacker');
  while (!existsSync(join(out, 'code'))) {
    const { code, stderr } = lab.call('exec', id, 'true');
    if (code !== 0 && !existsSync(join(out, 'code'))) throw new Error(stderr);
  }
  await until(() => lab.status(id) === 'stopped', 'its end');
  lab.call('delete', id);
  return { code: Number(readFileSync(join(out, 'code'), 'utf8')), said: readFileSync(join(out, 'said'), 'utf8') };
}

const exposed = ['CAP_KILL', 'CAP_SYS_PTRACE'];
/** As engines' profiles have it, where CAP_SYS_ADMIN is not held. */
const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'], syscalls: [{ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }, { names: ['bpf'], action: 'SCMP_ACT_ERRNO' }] };

here('of a process on its way in, who may trace it gets nothing that the program does not have: no right, descriptor or memory of the launcher\'s', async (t) => {
  for (const ofProcess of [{}, { noNewPrivileges: false }]) {
    const { code, said } = await attack(exposed, { linux: { seccomp }, ofProcess });
    t.is(code, 0, said);
    t.regex(said, /^early [1-9]/m);
  }
  // Control: who has CAP_SYS_ADMIN there needs no such way, so that a process is born inside at once, and is a copy of the launcher.
  const open = await attack([...exposed, 'CAP_SYS_ADMIN'], { linux: { seccomp }, ofProcess: { noNewPrivileges: false } });
  t.is(open.code, hit, open.said);
  for (const what of ['capabilities', 'memory', 'descriptor', 'seccomp']) t.true(open.said.includes(`hit ${what}`), what);
});

here('exec into such a container is as into any other', (t) => {
  const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/dev', type: 'tmpfs', source: 'tmpfs' }, { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] }];
  const id = lab.running({ process: { capabilities: sets(...exposed) }, more: { mounts } });
  const pidFile = join(lab.folder, 'entered');
  t.deepEqual(lab.call('exec', id, 'sh', '-c', 'exit 7'), { code: 7, signal: null, stdout: '', stderr: '' });
  t.is(lab.call('exec', '--env', 'A=b c', '--cwd', '/bin', '--user', '12:13', '--preserve-fds', '0', id, 'sh', '-c', 'echo "$A"; pwd; id -u; id -g; ls /proc/self/fd | tr "\\n" " "').stdout, 'b c\n/bin\n12\n13\n0 1 2 3 ');
  const links = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts', 'user'].map((name) => `/proc/self/ns/${name}`);
  const inside = lab.call('exec', id, 'sh', '-c', `for link in ${links.join(' ')}; do readlink $link; done`).stdout.trim().split('\n');
  t.deepEqual(inside, links.map((link) => spawnSync('readlink', [link.replace('self', String(lab.state(id)['pid']))], { encoding: 'utf8' }).stdout.trim()));
  t.regex(lab.call('exec', id, 'sh', '-c', 'cat /proc/self/stat').stdout, /^(\d+) \(cat\) R \d+ \d+ (?!0 )\d+ /, 'a session of its own there');
  t.is(lab.call('exec', '--detach', '--pid-file', pidFile, id, 'sleep', '1000').code, 0);
  const entered = `/proc/${readFileSync(pidFile, 'utf8')}`;
  t.deepEqual(readFileSync(`${entered}/cmdline`, 'utf8').split('\0'), ['sleep', '1000', '']);
  t.regex(readFileSync(`${entered}/cgroup`, 'utf8'), new RegExp(`/${id}$`, 'm'));
  t.regex(lab.call('exec', id, 'no-such').stderr, /exec: "no-such": executable file not found in \$PATH/);
  t.regex(lab.call('exec', id, '/etc').stderr, /permission denied/);
  t.regex(lab.call('exec', '--cwd', '/no-such', id, 'true').stderr, /no such file or directory/);
  const terminal = spawnSync('script', ['--quiet', '--return', '--command', `${program} --root ${lab.root} exec --tty ${id} sh -c 'tty; echo hello >/dev/tty'`, '/dev/null'], { encoding: 'utf8', timeout: 30_000 * patience });
  t.regex(terminal.stdout, /hello/, terminal.stdout + terminal.stderr);
  for (let turn = 0; turn < 20; turn++) t.is(lab.call('exec', '--detach', id, 'true').code, 0);
  t.is(lab.call('delete', '--force', id).code, 0);
  t.deepEqual(lab.traces(id), []);
});

here('what a process that enters last cannot have is refused', (t) => {
  const id = lab.running({ process: { capabilities: sets(...exposed) } });
  const spec = { args: ['true'], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, scheduler: { policy: 'SCHED_BATCH', flags: ['SCHED_FLAG_RESET_ON_FORK'] } };
  const file = join(lab.folder, 'reset-on-fork.json');
  writeFileSync(file, JSON.stringify(spec));
  t.regex(lab.call('exec', '--process', file, id).stderr, /reset on fork.*CAP_SYS_PTRACE/);
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('a container that ends while processes are on their way in ends whole', async (t) => {
  for (let turn = 0; turn < 12; turn++) {
    const id = lab.running({ process: { capabilities: sets(...exposed) } });
    const entering = Array.from({ length: 4 }, async () => lab.begin('exec', id, 'sleep', '1000'));
    await new Promise((done) => setTimeout(done, turn * 4 * patience));
    const { code: deleted, stderr } = await lab.begin('delete', '--force', id);
    t.is(deleted, 0, stderr);
    for (const { code } of await Promise.all(entering)) t.not(code, 0);
    await until(() => lab.traces(id).length === 0, `nothing of turn ${turn}`);
  }
});

here('whoever comes into the cgroup after all in it were killed does not keep it', async (t) => {
  for (let turn = 0; turn < 8; turn++) {
    const id = lab.running();
    const cgroup = lab.traces(id).find((path) => path.startsWith('/sys/fs/cgroup/')) ?? '';
    // Each comes a few times again when it was killed.
    const coming = Array.from({ length: 3 }, async () => once(spawn('sh', ['-c', `for time in 1 2 3 4; do sh -c 'echo $$ >${cgroup}/cgroup.procs && exec sleep 100'; done`], { stdio: 'ignore' }), 'exit'));
    const { code, stderr } = await lab.begin('delete', '--force', id);
    t.is(code, 0, stderr);
    await Promise.all(coming);
    t.deepEqual(lab.traces(id), []);
  }
});

here('an exec that is killed while its process is on the way in harms nothing', async (t) => {
  const id = lab.running({ process: { capabilities: sets(...exposed) } });
  for (let turn = 0; turn < 20; turn++) await lab.beginAndKill(turn * 2 * patience, 'exec', '--detach', id, 'true');
  t.is(lab.call('exec', id, 'sh', '-c', 'exit 3').code, 3);
  t.is(lab.call('delete', '--force', id).code, 0);
  await until(() => lab.traces(id).length === 0, 'nothing left');
});
