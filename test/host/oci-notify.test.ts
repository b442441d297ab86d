// tsrun-oci with NOTIFY_SOCKET, as systemd and podman (--sdnotify=container) call it: the manager hears that the program is ready, and nothing else of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { needs } from '../support/needs.js';
import { ociLab, type Config } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const here = needs('root', 'cgroup2', 'command:python3');
const lab = ociLab();
let managers = 0;

const receiver = `
import os, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
out = open(sys.argv[2], 'w')
while True:
    text, files, _, _ = socket.recv_fds(manager, 4096, 4)
    out.write(repr(text.decode()) + '\\n')
    out.flush()
    for file in files: os.close(file)
`;

/** More than the kernel keeps for a socket that nobody reads (unix.max_dgram_qlen). */
const goesOn = `
time.sleep(0.5)
try:
  for count in range(1000): tell(b'WATCHDOG=1')
except OSError: pass
print('said')
exit(7)
`;

/** What systemd is to a service: a socket, and what came there. */
class Manager {
  readonly path = join(lab.folder, `manager-${managers++}`);
  readonly #child = spawn('python3', ['-c', receiver, this.path, `${this.path}.heard`], { stdio: 'ignore' });

  static async start(t: ExecutionContext): Promise<Manager> {
    const manager = new Manager();
    t.teardown(() => manager.#stop());
    await until(() => existsSync(`${manager.path}.heard`), 'the manager');
    return manager;
  }

  get heard(): string[] {
    return readFileSync(`${this.path}.heard`, 'utf8').split('\n').filter((line) => line !== '');
  }

  get under(): string[] {
    return ['env', `NOTIFY_SOCKET=${this.path}`];
  }

  async #stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

const program = `
import os, socket, time
service = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def tell(text): service.sendto(text, os.environ['NOTIFY_SOCKET'])
tell(b'STATUS=starting\\nMAINPID=1')
time.sleep(0.3)
tell(b'READY=1\\nMAINPID=1\\nFDSTORE=1')
`;

function telling(then: string, more: Config = {}): string {
  const library = ['/usr', '/lib', '/lib64'].filter((path) => existsSync(path)).map((path) => ({ destination: path, type: 'bind', source: path, options: ['rbind', 'ro'] }));
  const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/dev', type: 'tmpfs', source: 'tmpfs' }, ...library];
  return lab.bundle({ ...more, args: ['/usr/bin/python3', '-c', `${program}${then}`], more: { root: { path: lab.ownRoot() }, mounts, ...more.more } });
}

here('start and run in the background wait until the program is ready, and say which process is the service then', async (t) => {
  const manager = await Manager.start(t);
  const [id, bundle] = [lab.newId(), telling('time.sleep(1000)', { process: { user: { uid: 1000, gid: 1000 } } })];
  for (const commands of [[['create', '--bundle', bundle, id], ['start', id]], [['run', '--detach', '--bundle', bundle, id]]]) {
    const before = manager.heard.length;
    for (const words of commands) {
      const { code, stderr } = lab.callWith({ under: manager.under }, ...words);
      t.deepEqual([code, stderr], [0, '']);
    }
    t.deepEqual(manager.heard.slice(before), [`'READY=1\\nMAINPID=${lab.pidOf(id)}\\n'`, '\'BARRIER=1\'']);
    t.is(lab.look(id, 'ls -l /run/notify/notify.sock | cut -c1-10; touch /run/notify/x 2>/dev/null || echo no'), 'srwxrwxrwx\nno\n');
    t.true(readFileSync(`/proc/${lab.pidOf(id)}/environ`, 'utf8').includes('\0NOTIFY_SOCKET=/run/notify/notify.sock\0'));
    lab.remove(t, id);
  }
});

here('run in the foreground tells it while the program runs, and does not hold up who goes on telling', async (t) => {
  const manager = await Manager.start(t);
  const { code, stdout } = lab.callWith({ under: manager.under }, 'run', '--bundle', telling(goesOn), lab.newId());
  t.deepEqual([code, stdout, manager.heard], [7, 'said\n', ['\'READY=1\\n\'', '\'BARRIER=1\'']]);
});

here('who waits holds nobody up, and goes on when the program ends without a word', async (t) => {
  const manager = await Manager.start(t);
  const id = lab.newId();
  t.is(lab.callWith({ under: manager.under }, 'create', '--bundle', lab.bundle({ more: { root: { path: lab.ownRoot() } } }), id).code, 0);
  const waiting = spawn('env', [`NOTIFY_SOCKET=${manager.path}`, ...lab.commandLine('start', id)], { stdio: 'ignore', cwd: '/' });
  const ended = once(waiting, 'exit');
  await until(() => lab.status(id) === 'running', 'the program');
  t.is(waiting.exitCode, null);
  t.is(lab.call('kill', id, 'KILL').code, 0);
  t.deepEqual(await ended, [0, null]);
  t.deepEqual(manager.heard, []);
  lab.remove(t, id);
});

here('without a manager there is no socket; one that does not listen is warned of', (t) => {
  const id = lab.newId();
  t.is(lab.callWith({ under: ['env', '-u', 'NOTIFY_SOCKET'] }, 'create', '--bundle', lab.bundle(), id).code, 0);
  t.false(existsSync(join(lab.root, id, 'notify')));
  lab.remove(t, id);
  const [log, bundle] = [join(lab.folder, 'log'), telling('')];
  writeFileSync(log, '');
  const { code } = lab.callWith({ under: ['env', 'NOTIFY_SOCKET=/no/such'] }, '--log', log, 'run', '--bundle', bundle, id);
  t.is(code, 0);
  t.regex(readFileSync(log, 'utf8'), /level=warning msg="the program is ready, and nobody can be told: connect \/no\/such: no such file or directory"/);
  t.deepEqual(lab.traces(id), []);
});
