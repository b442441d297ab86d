import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { hostDevices, hostNodesOf, resolveDevices } from '../../../src/container/build/resolve-devices.js';
import { TsrunError } from '../../../src/spec/errors.js';

const base = mkdtempSync(join(tmpdir(), 'tsrun-devices-'));
test.after.always(() => {
  rmSync(base, { recursive: true, force: true });
});

async function fault(source: string): Promise<TsrunError> {
  const error: unknown = await resolveDevices({ devices: [{ source }] }).catch((cause: unknown) => cause);
  if (TsrunError.is(error)) return error;
  throw new Error(`${source} was taken`);
}

test('numbers, kind and mode come from the host', async (t) => {
  const [device, second] = await resolveDevices({ devices: [{ source: '/dev/null', destination: '/dev/mine//x', access: 'r' }] });
  t.like(device, { device: { type: 'c', path: '/dev/mine/x', major: 1, minor: 3 }, access: 'r' });
  t.is(second, undefined);
  const link = join(base, 'link');
  symlinkSync('/dev/zero', link);
  t.like((await resolveDevices({ devices: [{ source: link }] }))[0], { device: { path: link, major: 1, minor: 5 }, access: 'rw' });
});

test('a place that is given twice is taken once, by the last', async (t) => {
  const devices = [{ source: '/dev/null', destination: '/dev/x' }, { source: '/dev/zero', destination: '/dev/x' }];
  const found = await resolveDevices({ devices });
  t.deepEqual(found.map(({ device: { minor } }) => minor), [5]);
});

test('the letters of an access are in one order; nobody asked: rw, and all for whoever is privileged', async (t) => {
  const access = async (given?: string, privileged = false) =>
    (await resolveDevices({ devices: [{ source: '/dev/null', ...(given !== undefined && { access: given }) }], privileged }))[0]?.access;
  t.deepEqual([await access('mr'), await access('wr'), await access(), await access(undefined, true), await access('w', true)], ['rm', 'rw', 'rw', 'rwm', 'w']);
});

test('one device has one access, whatever names it has', async (t) => {
  const devices = (first: string, second: string) => ({ devices: [{ source: '/dev/null', destination: '/dev/x', access: first }, { source: '/dev/null', destination: '/dev/y', access: second }] });
  t.is((await resolveDevices(devices('rw', 'wr'))).length, 2);
  const error: unknown = await t.throwsAsync(resolveDevices(devices('rw', 'r')), { instanceOf: TsrunError });
  t.like(error, { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/devices/1/access', message: '"/dev/null" (c 1:3) is given as r, and before as rw' });
});

test('what is not a device is refused', async (t) => {
  writeFileSync(join(base, 'file'), '');
  mkdirSync(join(base, 'empty'));
  const rows: [source: string, message: RegExp][] = [
    ['/dev/no-such', /"\/dev\/no-such" does not exist/],
    [join(base, 'file'), /is not a device/],
    [join(base, 'empty'), /no device in the folder/],
    [join(base, 'file/x'), /ENOTDIR/],
  ];
  for (const [source, message] of rows) {
    const error = await fault(source);
    t.like(error, { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/devices/0/source' });
    t.regex(error.message, message);
    t.truthy(error.hint);
  }
});

test("all of the host's devices, without those of each container's own", async (t) => {
  const paths = (await hostDevices('/dev')).map(({ device: { path } }) => path);
  for (const own of ['/dev/null', '/dev/tty', '/dev/ptmx']) t.false(paths.includes(own), own);
  t.false(paths.some((path) => path.startsWith('/dev/pts/')));
  t.deepEqual((await resolveDevices({ privileged: true, namespaces: { user: 'host' } })).map(({ device }) => device.path), paths);
  t.deepEqual(await resolveDevices({ privileged: true }), []);
});

test('what the host has where a bundle wants its devices', (t) => {
  writeFileSync(join(base, 'plain'), '');
  symlinkSync('/dev/zero', join(base, 'zero'));
  const paths = ['/dev//null', join(base, 'zero'), join(base, 'plain'), join(base, 'plain/x'), '/dev/no-such'];
  const found = hostNodesOf(paths.map((path) => ({ type: 'c', path })));
  t.deepEqual([...found.keys()], ['/dev/null', join(base, 'zero')]);
  t.like(found.get('/dev/null'), { type: 'c', major: 1, minor: 3, fileMode: 0o666 });
  t.like(found.get(join(base, 'zero')), { major: 1, minor: 5 });
});
