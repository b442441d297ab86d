// A step that fails is told by what was asked for: the field, the value, and what can be done.
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { TsrunError, type RunOptions, type Spec } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

async function refused(t: ExecutionContext, options: RunOptions, message: RegExp, field?: string, image = lab.image): Promise<void> {
  const error = await t.throwsAsync(lab.start({ command: ['true'], ...options }, image), { instanceOf: TsrunError }, message.source);
  t.regex(error.message, message);
  t.truthy(error.hint);
  if (field !== undefined) t.is(error.field, field, error.message);
}

function bundle(parts: Partial<Spec>): string {
  const folder = mkdtempSync(join(lab.scratch, 'bundle-'));
  const spec = {
    ociVersion: '1.0.2',
    root: { path: lab.image },
    process: { user: { uid: 0, gid: 0 }, args: ['true'], cwd: '/' },
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] },
    ...parts,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(spec));
  return folder;
}

here('clocks', async (t) => {
  await refused(t, { timeOffsets: { boottime: -4_000_000_000 } }, /clocks cannot be moved by boottime -4000000000 seconds/, '/linux/timeOffsets');
});

here('a working directory where nothing can be made', async (t) => {
  await refused(t, { cwd: '/sys/none' }, /'\/sys\/none' does not exist, and cannot be made in what is read-only/, '/process/cwd');
  const container = await lab.idle({ root: 'read-only' });
  const error = await t.throwsAsync(container.exec({ command: ['true'], cwd: '/none' }), { instanceOf: TsrunError });
  t.regex(error.message, /'\/none' does not exist \(/, 'there it is not tried');
  await container[Symbol.asyncDispose]();
});

here('kernel parameters', async (t) => {
  await refused(t, { sysctls: { 'net.ipv4.ip_local_port_range': 'x' } }, /'net\.ipv4\.ip_local_port_range' cannot be set to 'x'.*EINVAL/, '/linux/sysctl/net.ipv4.ip_local_port_range');
  await refused(t, { sysctls: { 'net.ipv4.no_such': '1' } }, /no such parameter/, '/linux/sysctl/net.ipv4.no_such');
  await refused(t, { sysctls: { 'kernel.hostname': 'x' } }, /no container with ids of its own may set it/, '/sysctls/kernel.hostname');
  const maps = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const linux = { namespaces: [{ type: 'mount' }, { type: 'uts' }, { type: 'user' }], uidMappings: maps, gidMappings: maps, sysctl: { 'kernel.hostname': 'x' } } as const;
  await refused(t, {}, /'kernel\.hostname' is for root of the host alone to set/, '/linux/sysctl/kernel.hostname', bundle({ linux: { ...linux, namespaces: [...linux.namespaces] } }));
});

here('file systems that there are not', async (t) => {
  await refused(t, {}, /no file system of type 'nofs'.*'\/x'/, '/mounts/0', bundle({ mounts: [{ destination: '/x', type: 'nofs', source: 'x' }] }));
});

here('a bundle\'s mounts are looked at before anything is made: what their file system does not take, and what is not there', async (t) => {
  const place = { destination: '/x', source: 'x' };
  await refused(t, {}, /^spec \/mounts\/0\/options\/1: unknown mount option "rwo"$/, '/mounts/0/options/1', bundle({ mounts: [{ ...place, type: 'tmpfs', options: ['nosuid', 'rwo'] }] }));
  const maps = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const linux = { namespaces: [{ type: 'mount' as const }, { type: 'user' as const }], uidMappings: maps, gidMappings: maps };
  await refused(t, {}, /^spec \/mounts\/0\/options\/0: uid 70000 does not exist in the container$/, '/mounts/0/options/0', bundle({ linux, mounts: [{ ...place, type: 'tmpfs', options: ['uid=70000'] }] }));
  const missing = [{ destination: '/proc', type: 'proc' }, { destination: '/x', type: 'bind', source: '/none/none' }];
  await refused(t, {}, /^spec \/mounts\/1\/source: '\/none\/none' does not exist on the host$/, '/mounts/1/source', bundle({ mounts: missing }));
  await refused(t, {}, /a part of the path is a file$/, '/mounts/0/source', bundle({ mounts: [{ destination: '/x', type: 'bind', source: '/etc/passwd/x' }] }));
});

here('what cannot be mounted where it is to be, and a folder of the image where a file belongs', async (t) => {
  const folder = mkdtempSync(join(lab.scratch, 'mounts-'));
  // For everybody: the container's root is not the host's.
  chmodSync(folder, 0o755);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const bind = (source: string, destination: string, readonly = false) => ({ type: 'bind', source, destination, readonly }) as const;
  await refused(t, { mounts: [bind(file, '/etc')] }, /'.*\/file' is a file and '\/etc' a folder/, '/mounts/7/destination');
  await refused(t, { mounts: [bind(folder, '/etc/passwd')] }, /no folder can be mounted on '\/etc\/passwd': it is a file, or a part/);
  await refused(t, { mounts: [bind(file, '/etc/passwd/x')] }, /no file can be mounted on '\/etc\/passwd\/x': a part of its path is a file/);
  await refused(t, { mounts: [{ type: 'tmpfs', destination: '/etc/passwd' }] }, /no folder can be mounted on '\/etc\/passwd'/);
  await refused(t, { mounts: [bind(folder, '/sys/fs/foo')] }, /the mount point '\/sys\/fs\/foo' does not exist, and cannot be made in what is read-only/);
  for (const source of [folder, file]) {
    await refused(t, { mounts: [bind(folder, '/data', true), bind(source, '/data/inner')] }, /the mount point '\/data\/inner' does not exist/, '/mounts/8/destination');
  }
  const image = join(folder, 'image');
  for (const name of ['bin', 'etc/hosts']) mkdirSync(join(image, name), { recursive: true });
  copyFileSync(join(lab.image, 'bin/busybox'), join(image, 'bin/true'));
  await refused(t, {}, /'\/etc\/hosts' is a folder in the image/, undefined, image);
  rmSync(join(image, 'etc'), { recursive: true });
  symlinkSync('nowhere', join(image, 'etc'));
  await refused(t, {}, /^'\/etc\/hostname' leads by a link of the image to where nothing is.*, from \/hostname\)$/, '/hostname', image);
  rmSync(join(image, 'etc'));
  mkdirSync(join(image, 'etc'));
  await t.notThrowsAsync(lab.start({ command: ['true'], mounts: [bind(folder, '/etc/hosts')] }, image).then(async ({ exited }) => exited));
});

here('an image on a file system that cannot be id-mapped', async (t) => {
  const image = join('/sys/kernel', 'config');
  const error = await t.throwsAsync(lab.start({ command: ['true'], root: 'read-only' }, image), { instanceOf: TsrunError });
  if (error.code === 'ERR_TSRUN_HOST') t.regex(error.message, /the file system of '\/sys\/kernel.*' \(.+\) cannot be id-mapped/);
  else t.is(error.code, 'ERR_TSRUN_IMAGE', error.message);
});

here('a bundle that names no mount namespace, one whose capabilities are not permitted, one with what is not used', async (t) => {
  await refused(t, {}, /^\/root\/path: the container has no mount namespace of its own/, '/root/path', bundle({ linux: { namespaces: [{ type: 'pid' }] } }));
  const process = { user: { uid: 0, gid: 0 }, args: ['sh', '-c', 'grep CapAmb /proc/self/status'], cwd: '/', env: ['PATH=/bin'] };
  await refused(t, {}, /CAP_KILL is not in the permitted set/, '/process/capabilities/effective/0', bundle({ process: { ...process, capabilities: { effective: ['CAP_KILL'] } } }));
  // As `runc spec` writes it.
  const sets = { permitted: ['CAP_KILL'], effective: ['CAP_KILL'], bounding: ['CAP_KILL'], ambient: ['CAP_KILL'] };
  const unused = bundle({ process: { ...process, capabilities: sets }, linux: { cgroupsPath: '/a/b', namespaces: [{ type: 'mount' }, { type: 'pid' }] }, mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }] });
  const container = await lab.start({}, unused);
  t.regex(container.warnings.join('\n'), /cgroupsPath: "\/a\/b" is not used[^]*CAP_KILL cannot be raised/);
  t.is((await container.exited).code, 0);
  await refused(t, { strict: true, landlock: false }, /cgroupsPath/, '/linux/cgroupsPath', unused);
});

lab.declareLeakTest();
