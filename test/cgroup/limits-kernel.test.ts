/** Every kind of limit written to a real cgroup: does the kernel take what the conversion makes, in that order? */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { prepareBase } from '../../src/cgroup/layout.js';
import { limitsToWrites } from '../../src/cgroup/limits.js';
import type { Resources } from '../../src/spec/types.js';
import { removeTree } from '../support/cgroup-tree.js';
import { host, lacking, newPath } from './real-cgroup.js';

interface Case {
  readonly controller: string;
  readonly resources: Resources;
  /** What the files say afterwards. */
  readonly expected: Readonly<Record<string, string>>;
}

const MIB = 2 ** 20;

const cases: readonly Case[] = [
  { controller: 'memory', resources: { memory: { limit: 64 * MIB, reservation: 32 * MIB }, unified: { 'memory.oom.group': '1' } }, expected: { 'memory.max': String(64 * MIB), 'memory.low': String(32 * MIB), 'memory.oom.group': '1' } },
  { controller: 'memory', resources: { memory: { limit: 64 * MIB, swap: 96 * MIB } }, expected: { 'memory.max': String(64 * MIB), 'memory.swap.max': String(32 * MIB) } },
  { controller: 'memory', resources: { memory: { limit: -1, swap: -1 } }, expected: { 'memory.max': 'max', 'memory.swap.max': 'max' } },
  { controller: 'cpu', resources: { cpu: { shares: 1024, quota: 50_000, period: 20_000, burst: 10_000, idle: 0 } }, expected: { 'cpu.weight': '100', 'cpu.max': '50000 20000', 'cpu.max.burst': '10000', 'cpu.idle': '0' } },
  { controller: 'cpu', resources: { cpu: { shares: 512, idle: 1 } }, expected: { 'cpu.idle': '1' } },
  { controller: 'cpu', resources: { cpu: { quota: 1000, burst: 1000 } }, expected: { 'cpu.max': '1000 100000', 'cpu.max.burst': '1000' } },
  { controller: 'cpuset', resources: { cpu: { cpus: '0, 1', mems: '0' } }, expected: { 'cpuset.cpus': '0-1', 'cpuset.mems': '0' } },
  { controller: 'pids', resources: { pids: { limit: 0 } }, expected: { 'pids.max': '1' } },
  { controller: 'pids', resources: { pids: { limit: -1 } }, expected: { 'pids.max': 'max' } },
  { controller: 'hugetlb', resources: { hugepageLimits: [{ pageSize: '2MB', limit: 4 * MIB }] }, expected: { 'hugetlb.2MB.max': String(4 * MIB), 'hugetlb.2MB.rsvd.max': String(4 * MIB) } },
  { controller: 'memory', resources: { unified: { 'memory.high': String(8 * MIB) } }, expected: { 'memory.high': String(8 * MIB) } },
];

for (const { controller, resources, expected } of cases) {
  const title = `the kernel takes ${JSON.stringify(resources)}`;
  const reason = lacking ?? (host.controllers.includes(controller) ? undefined : `needs the controller ${controller} on cgroup v2`);
  if (reason !== undefined) {
    test.skip(`${title} (${reason})`, () => undefined);
    continue;
  }
  test.serial(title, (t) => {
    const base = newPath();
    t.teardown(() => { removeTree(host.root + base); });
    const { cgroup } = prepareBase({ ...host, base });
    const dir = `${host.root}${base}/one`;
    mkdirSync(dir);
    const { writes, missing } = limitsToWrites(resources, { cgroup, swapBytes: 0 });
    t.deepEqual(missing, []);
    // twice: an update goes over what is there
    for (const { file, value } of [...writes, ...writes]) writeFileSync(join(dir, file), value);
    for (const [file, text] of Object.entries(expected)) {
      if (file === 'memory.swap.max' && !existsSync(join(dir, file))) continue;
      t.is(readFileSync(join(dir, file), 'utf8').trim(), text, file);
    }
  });
}
