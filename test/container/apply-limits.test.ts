// New limits are all held or none; a folder stands for a cgroup, and a folder in it for a file that takes no write.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LimitWrite } from '../../src/cgroup/limit-types.js';
import { applyLimits, changeLimits, checkUsage } from '../../src/container/apply-limits.js';
import { TsrunError } from '../../src/spec/errors.js';
import { host } from './build/build-support.js';

function cgroup(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'tsrun-limits-'));
  t.teardown(() => { rmSync(path, { recursive: true }); });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

const write = (file: string, value: string): LimitWrite => ({ file, value, field: `/${file}`, controller: 'memory' });
const contentOf = (path: string, file: string): string => readFileSync(join(path, file), 'utf8').trimEnd();

test('all are written', async (t) => {
  const path = cgroup(t, { 'memory.max': 'max\n', 'pids.max': '10\n' });
  await applyLimits(path, [write('memory.max', '5'), write('pids.max', '20')]);
  t.deepEqual([contentOf(path, 'memory.max'), contentOf(path, 'pids.max')], ['5', '20']);
});

test('one that the kernel does not take has those before it set back, and says so', async (t) => {
  const path = cgroup(t, { 'memory.max': 'max\n', 'cpuset.cpus': '\n', 'io.max': '8:0 rbps=5 wbps=max\n', 'rdma.max': '' });
  mkdirSync(join(path, 'pids.max'));
  const writes = [write('memory.max', '5'), write('cpuset.cpus', '0'), write('io.max', '8:0 rbps=1'), write('pids.max', '20')];
  const error = await t.throwsAsync(applyLimits(path, writes), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_SETUP');
  t.is(error.field, '/pids.max');
  t.regex(error.message, /does not take '20' for pids\.max \(EISDIR\): nothing was changed/);
  t.regex(error.hint ?? '', /pids\.max/);
  t.deepEqual([contentOf(path, 'memory.max'), contentOf(path, 'cpuset.cpus'), contentOf(path, 'io.max')], ['max', '', '8:0 rbps=5 wbps=max']);
});

test('a device that had no limit gets none again', async (t) => {
  const path = cgroup(t, { 'io.max': '8:0 rbps=5\n' });
  await t.throwsAsync(applyLimits(path, [write('io.max', '9:1 rbps=1'), write('none', '1')]));
  t.is(contentOf(path, 'io.max'), '9:1 rbps=max wbps=max riops=max wiops=max');
});

test('a weight alone, or that of a device, is as it was again', async (t) => {
  const before = 'default 100\n8:0 300\n';
  const undone = { '4950': 'default 100', ' 4950 ': 'default 100', 'default 4950': 'default 100', '8:0  500': '8:0 300', '9:1 500': '9:1 default' };
  for (const file of ['io.weight', 'io.bfq.weight']) {
    for (const [value, line] of Object.entries(undone)) {
      const path = cgroup(t, { [file]: before });
      await t.throwsAsync(applyLimits(path, [write(file, value), write('none', '1')]), { message: /nothing was changed/ });
      t.is(contentOf(path, file), line, value);
    }
  }
});

test('usage above the limit is told before anything is written', async (t) => {
  const path = cgroup(t, { 'memory.current': '100\n', 'memory.swap.current': '20\n' });
  const files = ['memory.current', 'memory.swap.current'];
  await t.notThrowsAsync(checkUsage(path, [{ files, atMost: 120, field: '/swap' }]));
  await t.throwsAsync(checkUsage(path, [{ files, atMost: 119, field: '/swap' }]), { code: 'ERR_TSRUN_STATE', message: /120 bytes are in use, more than the new limit of 119/ });
});

test('device rules are refused, with whatever stands beside them', async (t) => {
  const path = cgroup(t, { 'pids.max': '10\n' });
  for (const devices of [[], [{ allow: true, type: 'c', major: 1, minor: 3, access: 'rw' } as const]]) {
    await t.throwsAsync(changeLimits(path, { devices: [...devices], pids: { limit: 20 } }, host), { code: 'ERR_TSRUN_UNSUPPORTED', message: /device rules/ });
  }
  t.is(contentOf(path, 'pids.max'), '10');
  await changeLimits(path, { pids: { limit: 20 } }, host);
  t.is(contentOf(path, 'pids.max'), '20');
});
