// JSON as programs in Go write it: null for what is not there, and no member for a zero.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ociLab, ociTest, program, type Config } from '../support/oci-lab.js';

const here = ociTest;
const lab = ociLab();

function run(config: Config) {
  return lab.call('run', '--bundle', lab.bundle(config), lab.newId());
}

function processFile(process: unknown): string {
  const file = join(lab.folder, 'process.json');
  writeFileSync(file, JSON.stringify(process));
  return file;
}

here('config.json: a member that is null is none, however deep', (t) => {
  const process = { args: ['echo', 'ran'], capabilities: { bounding: ['CAP_KILL'], inheritable: null, ambient: null }, rlimits: null, apparmorProfile: null, consoleSize: null, scheduler: null, user: { uid: 0, gid: 0, umask: null, additionalGids: null } };
  const linux = { resources: { devices: null, memory: { limit: null }, pids: null, unified: null }, seccomp: null, maskedPaths: null, readonlyPaths: null, sysctl: null, uidMappings: null, intelRdt: null, cgroupsPath: null };
  const mounts = [{ destination: '/proc', type: 'proc', source: 'proc', options: null, uidMappings: null }];
  const { code, stdout, stderr } = run({ process, linux, more: { hooks: null, annotations: null, hostname: null, mounts } });
  t.deepEqual([code, stdout, stderr], [0, 'ran\n', '']);
  t.is(run({ args: ['true'], linux: { resources: null }, process: { capabilities: null, env: null, args: ['/bin/true'] } }).code, 0);
  t.is(run({ args: ['true'], more: { hooks: { prestart: null }, mounts: null } }).code, 0);
});

here('config.json: the path of a namespace and that of a seccomp listener are none where they are empty', (t) => {
  const namespaces = ['mount', 'pid', 'uts'].map((type) => ({ type, path: '' }));
  const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '' };
  const { code, stdout, stderr } = run({ args: ['sh', '-c', 'echo $$ $(hostname)'], linux: { namespaces, seccomp }, more: { hostname: 'own' } });
  t.deepEqual([code, stdout, stderr], [0, '1 own\n', '']);
});

here('control: null in an array, as a text that has a key, and for what must be there, is refused', (t) => {
  for (const [config, says] of [[{ process: { args: [null] } }, /\/process\/args\/0/], [{ process: { args: null } }, /\/process\/args/], [{ more: { mounts: [null] } }, /\/mounts\/0/], [{ linux: { sysctl: { 'net.core.somaxconn': null } } }, /\/linux\/sysctl/]] as const) {
    const { code, stderr } = run(config);
    t.is(code, 1);
    t.regex(stderr, says);
  }
});

here('process without user, uid or gid: root, and its group', (t) => {
  const process = { cwd: '/', env: ['PATH=/bin'] };
  const who = ['sh', '-c', 'echo $(id -u):$(id -g)'];
  const rows = [[undefined, '0:0\n'], [null, '0:0\n'], [{}, '0:0\n'], [{ uid: 7 }, '7:0\n'], [{ gid: 8 }, '0:8\n']] as const;
  const id = lab.running();
  for (const [user, out] of rows) {
    t.is(run({ args: who, process: { user } }).stdout, out, JSON.stringify(user));
    const inside = lab.call('exec', '--process', processFile({ ...process, args: who, user }), id);
    t.deepEqual([inside.stdout, inside.stderr], [out, ''], JSON.stringify(user));
  }
  for (const user of [7, 'root', [], { uid: -1 }]) t.regex(run({ process: { user } }).stderr, /\/process\/user/);
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('update and exec: the same', (t) => {
  const id = lab.running();
  const update = (resources: unknown) => spawnSync(program, ['--root', lab.root, 'update', '--resources', '-', id], { input: JSON.stringify(resources), encoding: 'utf8' });
  t.is(update({ memory: null, cpu: { quota: null, shares: null }, devices: null, pids: { limit: null } }).stderr, '');
  t.regex(update({ memory: { limit: [] } }).stderr, /memory\/limit/);
  t.is(lab.call('exec', id, 'true').code, 0);
  const file = processFile({ args: ['/bin/sh', '-c', 'echo ran'], cwd: '/', user: { uid: 0, gid: 0 }, env: null, capabilities: null, rlimits: null });
  const { code, stdout, stderr } = lab.call('exec', '--process', file, id);
  t.deepEqual([code, stdout, stderr], [0, 'ran\n', '']);
  t.is(lab.call('delete', '--force', id).code, 0);
});
