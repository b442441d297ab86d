// The devices of an ordinary user's containers: the host's own nodes, as they are, or a refusal.
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunOptions } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { UserLab, userNeeds } from '../support/user-lab.js';
import type { Order } from '../support/user-program.js';

const lab = new Lab();
const users = new UserLab(lab);
const { user, ask, said } = users;
const here = needs(...userNeeds);

const sh = (script: string, options: RunOptions = {}): Order => ({ do: 'run', options: { command: ['sh', '-c', script], ...options } });

here('/dev holds what every container has, of the host\'s own nodes, and they work', async (t) => {
  const [names, working, given] = await said(
    sh('cd /dev; ls; for name in null zero full random urandom tty; do stat -c "%n %t:%T %a" $name; done'),
    sh('head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c; echo x >/dev/null && echo y >/dev/full; echo z >/dev/shm/file && cat /dev/shm/file; ls /dev/pts'),
    sh('stat -c "%t:%T" /dev/mine; head -c 2 /dev/mine | wc -c', { devices: [{ source: '/dev/zero', destination: '/dev/mine' }] }),
  );
  t.is(names, [...'core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(' '), 'null 1:3 666', 'zero 1:5 666', 'full 1:7 666', 'random 1:8 666', 'urandom 1:9 666', 'tty 5:0 666', ''].join('\n'));
  t.is(working, '3\n3\nz\nptmx\nsh: write error: No space left on device\n');
  t.is(given, '1:5\n2\n', 'under the name that was asked for');
});

here('a device is no more open than it is to the user', async (t) => {
  const device = ['/dev/kmsg', '/dev/vda', '/dev/loop-control'].find((path) => existsSync(path) && (statSync(path).mode & 0o7) === 0) ?? '/dev/mem';
  if (!existsSync(device)) return void t.pass('this host has no device that is root\'s alone');
  const [opened] = await said(sh('cat /dev/x', { devices: [{ source: device, destination: '/dev/x' }] }));
  t.regex(opened ?? '', /Permission denied/);
});

needs(...userNeeds, 'file:/dev/kmsg')('the devices of a bundle are the host\'s own, and refused where that is another', async (t) => {
  const folder = 'bundle';
  mkdirSync(join(user().home, folder));
  const ends = async (device: object): Promise<string> => {
    const config = {
      ociVersion: '1.2.0',
      root: { path: '../image' },
      process: { user: { uid: 0, gid: 0 }, args: ['sh', '-c', 'stat -c %t:%T /dev/kmsg'], cwd: '/', env: ['PATH=/bin'] },
      linux: { namespaces: [{ type: 'user' }, { type: 'pid' }, { type: 'mount' }], devices: [{ type: 'c', path: '/dev/kmsg', major: 1, minor: 11, ...device }] },
    };
    writeFileSync(join(user().home, folder, 'config.json'), JSON.stringify(config));
    const [{ said: text, error } = {}] = await ask({ do: 'run', options: {}, folder });
    return text ?? `${error?.code ?? ''} ${error?.message ?? ''}`;
  };
  t.is(await ends({}), '1:b\n');
  t.regex(await ends({ minor: 3 }), /^ERR_TSRUN_HOST .*is c 1:11, not c 1:3/);
  t.regex(await ends({ fileMode: 0o777 }), /^ERR_TSRUN_HOST .*not 0777/);
});

here('a device cannot be given for less than reading and writing, and that is said', async (t) => {
  for (const access of ['r', 'w', 'm']) {
    const [{ error } = {}] = await ask(sh('true', { devices: [{ source: '/dev/zero', destination: '/dev/mine', access }] }));
    t.regex(`${error?.code ?? ''} ${error?.message ?? ''}`, /^ERR_TSRUN_LIMIT_UNAVAILABLE .*device rules cannot be held, since an ordinary user may not load the program/);
  }
  t.deepEqual(await said(sh('head -c 2 /dev/mine | wc -c', { devices: [{ source: '/dev/zero', destination: '/dev/mine', access: 'rwm' }] })), ['2\n']);
});

users.declareLeakTests();
