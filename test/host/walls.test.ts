// What the program may never do: capabilities, no_new_privs, seccomp, Landlock, privileged; and how each wall opens.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { capabilityNames, TsrunError, type RunOptions } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { answers, statusFields } from '../support/proc.js';
import { runChanged, without } from '../support/without-step.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

const defaults = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'];

/** As /proc/<pid>/status prints a set. */
function mask(names: readonly string[]): string {
  const sum = names.reduce((bits, name) => bits | (1n << BigInt(capabilityNames.findIndex((each) => each === `CAP_${name}`))), 0n);
  return sum.toString(16).padStart(16, '0');
}

interface Sets {
  readonly bounding: string;
  readonly effective: string;
  readonly permitted: string;
  readonly inheritable: string;
  readonly ambient: string;
}

async function sets(options: RunOptions = {}, image = lab.image): Promise<Sets> {
  const fields = statusFields((await lab.run({ command: ['cat', '/proc/self/status'], ...options }, image)).stdout);
  const of = (name: string) => fields.get(name) ?? '';
  return { bounding: of('CapBnd'), effective: of('CapEff'), permitted: of('CapPrm'), inheritable: of('CapInh'), ambient: of('CapAmb') };
}

async function ask(options: RunOptions = {}, ...names: string[]): Promise<Map<string, string>> {
  return answers((await lab.run({ command: ['ask-kernel', ...names], ...options })).stdout);
}

const none = mask([]);

here('root has podman\'s eleven less SETFCAP, in three sets, and another user has none', async (t) => {
  const held = mask(defaults);
  t.deepEqual(await sets(), { bounding: held, effective: held, permitted: held, inheritable: none, ambient: none });
  t.deepEqual(await sets({ user: 'app' }), { bounding: held, effective: none, permitted: none, inheritable: none, ambient: none });
});

here('capabilities are added and dropped one by one and all at once', async (t) => {
  const effective = async (options: RunOptions) => (await sets(options)).effective;
  t.is(await effective({ capAdd: ['NET_RAW', 'cap_sys_ptrace'] }), mask([...defaults, 'NET_RAW', 'SYS_PTRACE']));
  t.is(await effective({ capDrop: ['CHOWN', 'KILL'] }), mask(defaults.filter((name) => name !== 'CHOWN' && name !== 'KILL')));
  t.deepEqual(await sets({ capDrop: ['ALL'] }), { bounding: none, effective: none, permitted: none, inheritable: none, ambient: none });
  t.is(await effective({ capAdd: ['ALL'], capDrop: ['SYS_ADMIN'] }), mask(known().filter((name) => name !== 'SYS_ADMIN')));
});

/** Those of this kernel. */
function known(): string[] {
  return capabilityNames.map((name) => name.slice('CAP_'.length));
}

here('each single capability is that one and no other', async (t) => {
  const wrong = await Promise.all(known().map(async (name) => {
    const { bounding, effective, permitted, inheritable, ambient } = await sets({ capDrop: ['ALL'], capAdd: [name] });
    const right = [bounding, effective, permitted].every((set) => set === mask([name])) && inheritable === none && ambient === none;
    return right ? [] : [`${name}: ${bounding} ${effective} ${permitted} ${inheritable} ${ambient}`];
  }));
  t.deepEqual(wrong.flat(), []);
});

here('a name that is no capability is refused with the nearest one', async (t) => {
  const error = await t.throwsAsync(lab.idle({ capAdd: ['NET_ADMIM'] }), { instanceOf: TsrunError });
  t.is(error.field, '/capAdd/0');
  t.regex(`${error.message} ${error.hint ?? ''}`, /NET_ADMIN/);
});

here('no_new_privs is on: a set-id program changes nothing; lifted, it does', async (t) => {
  const image = makeImage(lab, { probes: ['who-am-i'] });
  chmodSync(join(image, 'bin/who-am-i'), 0o6755);
  const ids = async (options: RunOptions) => answers((await lab.run({ command: ['who-am-i'], user: '1000:1000', ...options }, image)).stdout).get('ids');
  t.is(await ids({}), '1000 1000 1000 1000 1000 1000');
  t.is(await ids({ noNewPrivileges: false }), '1000 0 0 1000 0 0', 'inside its own user namespace');
  t.is(statusFields((await lab.sh('cat /proc/self/status')).stdout).get('NoNewPrivs'), '1');
  t.is(statusFields((await lab.sh('cat /proc/self/status', { noNewPrivileges: false })).stdout).get('NoNewPrivs'), '0');
});

/** What no container gets, and with which errno it is told so. */
const denied: Readonly<Record<string, string>> = {
  'unshare-user': 'EPERM', 'unshare-mount': 'EPERM', 'clone-user': 'EPERM', 'clone3-user': 'ENOSYS', 'setns-self': 'EPERM',
  'mount-tmpfs': 'EPERM', 'mount-proc': 'EPERM', 'remount-root': 'EPERM', 'fsopen-tmpfs': 'EPERM', 'umount-proc': 'EPERM', 'pivot-root': 'EPERM',
  'socket-alg': 'EAFNOSUPPORT', 'socket-vsock': 'EAFNOSUPPORT', 'socket-raw': 'EPERM',
  keyctl: 'EPERM', 'add-key': 'EPERM', 'request-key': 'EPERM', bpf: 'EPERM', perf: 'EPERM', 'io-uring': 'EPERM', userfaultfd: 'EPERM',
  'open-by-handle': 'EPERM', 'kernel-log': 'EPERM', swapon: 'EPERM', reboot: 'EPERM', 'set-time': 'EPERM', 'set-name': 'EPERM',
  'make-node': 'EPERM', 'make-disk': 'EPERM', 'init-module': 'EPERM',
};

here('the seccomp filter is one, and refuses what no container needs, to root and to others', async (t) => {
  const fields = statusFields((await lab.sh('cat /proc/self/status')).stdout);
  t.is(fields.get('Seccomp'), '2');
  t.is(fields.get('Seccomp_filters'), '1');
  for (const options of [{}, { user: 'app' }]) {
    const answered = await ask(options);
    const allowed = Object.entries(denied).filter(([name, errno]) => answered.get(name) !== errno).map(([name]) => `${name} ${answered.get(name) ?? ''}`);
    t.deepEqual(allowed, []);
  }
  t.is((await ask({ user: 'app' }, 'set-uid-0')).get('set-uid-0'), 'EPERM');
});

here('control: without the filter several of these succeed, so that the test above can fail', async (t) => {
  const opened = await ask({ seccomp: 'unconfined' });
  for (const name of ['unshare-user', 'clone-user', 'clone3-user', 'keyctl', 'add-key']) t.is(opened.get(name), 'ok', name);
  t.is(await runChanged(lab, { command: ['sh', '-c', 'ask-kernel unshare-user | grep -q ok'] }, without('loadSeccomp')), 0);
  t.is(await runChanged(lab, { command: ['sh', '-c', 'ask-kernel unshare-user | grep -q ok'] }, without()), 1);
  t.is(statusFields((await lab.sh('cat /proc/self/status', { seccomp: 'unconfined' })).stdout).get('Seccomp'), '0');
});

here('a profile of the caller\'s own', async (t) => {
  const seccomp: RunOptions['seccomp'] = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }] };
  const { stderr, status } = await lab.sh('mkdir /tmp/x', { seccomp });
  t.is(status.code, 1);
  t.regex(stderr, /No space left on device/);
});

here('privileged opens the walls, but not the user namespace', async (t) => {
  const { effective, bounding } = await sets({ privileged: true });
  t.is(effective, mask(known()));
  t.is(bounding, effective);
  const answered = await ask({ privileged: true });
  for (const name of ['mount-tmpfs', 'unshare-user', 'set-name', 'socket-packet', 'umount-proc']) t.is(answered.get(name), 'ok', name);
  for (const name of ['set-time', 'make-node', 'make-disk', 'kernel-log', 'open-by-handle']) t.is(answered.get(name), 'EPERM', name);
});

here('a privileged exec has what can be had: in the host\'s user namespace, what the caller holds', async (t) => {
  for (const user of ['new', 'host'] as const) {
    const container = await lab.idle({ namespaces: { user } });
    const { stdout } = await lab.exec(container, { command: ['cat', '/proc/self/status'], privileged: true });
    const own = statusFields(readFileSync('/proc/self/status', 'utf8')).get('CapEff');
    const all = (1n << BigInt(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8').trim()) + 1n) - 1n;
    t.is(BigInt(`0x${statusFields(stdout).get('CapEff') ?? ''}`), user === 'host' ? BigInt(`0x${own ?? ''}`) : all, user);
    await container[Symbol.asyncDispose]();
  }
});

here('of walls that are asked for beside privileged, each stands', async (t) => {
  const { effective } = await sets({ privileged: true, capDrop: ['SYS_ADMIN'] });
  t.is(effective, mask(known().filter((name) => name !== 'SYS_ADMIN')));
  t.is((await ask({ privileged: true, seccomp: 'default' }, 'keyctl')).get('keyctl'), 'EPERM');
});

/** An abstract socket of the host that is listened on. */
async function withServer(body: (name: string) => Promise<void>): Promise<void> {
  const name = `tsrun-test-${process.pid}-${lab.newId()}`;
  const server = spawn(join(lab.image, 'bin/hog'), ['serve', name], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(server.stdout, 'data');
  try {
    await body(name);
  } finally {
    server.kill('SIGKILL');
  }
}

needs('root', 'userns', 'kernel:6.12')('Landlock: no signal and no abstract socket reaches the host; without it they do', async (t) => {
  const victim = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await withServer(async (name) => {
    const open: RunOptions = { network: 'host', namespaces: { pid: 'host', user: 'host' } };
    const tried = async (options: RunOptions) => (await lab.sh(`hog signal ${victim.pid ?? 0} 0; hog abstract ${name}`, { ...open, ...options })).stdout;
    t.is(await tried({}), 'EPERM\nEPERM\n');
    t.is(await tried({ landlock: false }), 'ok\nok\n', 'control');
  });
  victim.kill('SIGKILL');
  t.is((await lab.sh('sleep 100 & kill $!; wait $!; echo $?')).stdout, '143\n', 'inside all is as usual');
});

here('in its own network namespace there is no abstract socket of the host; in the host\'s there is', async (t) => {
  await withServer(async (name) => {
    const tried = async (options: RunOptions) => (await lab.run({ command: ['hog', 'abstract', name], landlock: false, ...options })).stdout;
    t.is(await tried({}), 'ECONNREFUSED\n');
    t.is(await tried({ network: 'host' }), 'ok\n', 'control');
  });
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
