/** What ps, stats, inspect and doctor show, without a container to show it of. */
import test from 'ava';
import { renderExamination } from '../../src/cli/doctor.js';
import { renderDifferences, renderRows } from '../../src/cli/inspect.js';
import { compareRows, isolationRows } from '../../src/cli/isolation-rows.js';
import { row as psRow, status, summaryJson } from '../../src/cli/ps.js';
import { row as statsRow, sampleOf } from '../../src/cli/stats.js';
import type { ContainerRecord, ContainerStats, ContainerSummary, ExitStatus, IsolationReport } from '../../src/index.js';

const plain = (_style: string, text: string) => text;
const nowMs = Date.UTC(2026, 0, 31, 12);

const record: ContainerRecord = {
  version: 1, id: 'web.1', image: 'app', createdAtMs: nowMs - 192_000, bootId: 'b', launcher: 'l', cgroup: '', rootPath: '/images/app',
  stopSignal: 15, stopTimeoutMs: 10_000, labels: { team: 'a' }, extensions: {}, defaultSeccomp: true,
  spec: { ociVersion: '1.3.0', process: { user: { uid: 0, gid: 0 }, args: ['node', 'server.js', '--a-long-argument=with more'], cwd: '/' } },
};
const exit: ExitStatus = { code: 3, cause: 'exit', durationMs: 5, usage: { cpuUs: 0, userUs: 0, systemUs: 0, maxRssBytes: 0 }, oomKills: 0, oomGroupKills: 0, pidsRefused: 0 };
const running: ContainerSummary = { id: 'web.1', state: 'running', pid: 42, record };

test('ps: name, image, command, age, status', (t) => {
  t.deepEqual(psRow(running, nowMs), ['web.1', 'app', '"node server.js --a-long-argum…"', '3m12s ago', 'Up 3m12s']);
});

test('ps: every state', (t) => {
  t.is(status({ ...running, state: 'paused' }, nowMs), 'Up 3m12s (paused)');
  t.is(status({ id: 'web.1', state: 'running', record }, nowMs), 'Starting');
  const ended: ContainerSummary = { id: 'web.1', state: 'stopped', record, exit, endedAtMs: nowMs - 65_000 };
  t.is(status(ended, nowMs), 'Exited (3) 1m5s ago');
  t.is(status({ ...ended, exit: { ...exit, code: 137, cause: 'oom' } }, nowMs), 'Exited (137, out of memory) 1m5s ago');
});

test('ps: as JSON', (t) => {
  t.deepEqual(summaryJson(running), {
    id: 'web.1', image: 'app', command: ['node', 'server.js', '--a-long-argument=with more'], state: 'running', pid: 42,
    createdAt: '2026-01-31T11:56:48.000Z', labels: { team: 'a' },
  });
});

const cpu = (usageUs: number): ContainerStats => ({ cpu: { usageUs, userUs: 0, systemUs: 0 }, pressure: {} });

test('stats: figures of controllers that are not on cgroup v2 are dashes', (t) => {
  const sample = sampleOf('web.1', { atMs: 0, stats: cpu(0) }, { atMs: 1000, stats: cpu(1_500_000) }, 2 ** 30);
  t.deepEqual(sample, { id: 'web.1', cpuPercent: 150 });
  t.deepEqual(statsRow(sample), ['web.1', '150.00%', '-', '-', '-', '-']);
});

test('stats: all figures, memory as docker counts it', (t) => {
  const stats: ContainerStats = {
    ...cpu(0),
    memory: {
      currentBytes: 300 * 2 ** 20, maxBytes: 512 * 2 ** 20, stat: { inactive_file: 44 * 2 ** 20 },
      events: { low: 0, high: 0, max: 0, oom: 0, oomKill: 0, oomGroupKill: 0 },
    },
    pids: { current: 7, max: 64, refusedForks: 0 },
    io: [
      { device: '8:0', readBytes: 1024, writtenBytes: 2048, reads: 1, writes: 1, discardedBytes: 0, discards: 0 },
      { device: '8:16', readBytes: 1024, writtenBytes: 0, reads: 1, writes: 0, discardedBytes: 0, discards: 0 },
    ],
  };
  const last = { atMs: 0, stats };
  t.deepEqual(statsRow(sampleOf('web.1', last, { atMs: 1000, stats }, 2 ** 30)), ['web.1', '0.00%', '256MiB / 512MiB', '50.00%', '2KiB / 2KiB', '7']);
  const unlimited = { ...stats, ...(stats.memory !== undefined && { memory: { ...stats.memory, maxBytes: 'max' as const } }) };
  t.is(sampleOf('web.1', last, { atMs: 1000, stats: unlimited }, 2 ** 30).memoryLimitBytes, 2 ** 30);
});

const report: IsolationReport = {
  id: 'web.1', pid: 42, state: 'running',
  namespaces: [
    { type: 'user', inode: 11, sharedWithHost: false, sharedWith: [] },
    { type: 'network', inode: 12, sharedWithHost: false, sharedWith: ['web.2'] },
    { type: 'time', inode: 13, sharedWithHost: true, sharedWith: ['web.2'] },
  ],
  users: {
    uid: { real: 524_288, effective: 524_288, saved: 524_288 }, gid: { real: 524_288, effective: 524_288, saved: 524_288 }, groups: [524_298],
    innerUid: 0, innerGid: 0, setgroups: 'allow',
    uidMap: [{ containerID: 0, hostID: 524_288, size: 65_536 }], gidMap: [{ containerID: 0, hostID: 524_288, size: 65_536 }],
  },
  capabilities: { effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'], inheritable: [], bounding: ['CAP_CHOWN'], ambient: [] },
  noNewPrivileges: true,
  seccomp: { mode: 'filter', filters: 1, profile: 'default' },
  landlock: { scopes: true },
  root: { kind: 'disposable', sizeBytes: 64 * 2 ** 20 },
  mounts: [
    { point: '/', type: 'overlay', source: 'none', flags: ['rw', 'nodev'], options: ['lowerdir=/secret'], propagation: 'private' },
    { point: '/proc/kcore', type: 'tmpfs', source: 'none', flags: ['ro'], options: [], propagation: 'private' },
    { point: '/a\u001b[2J', type: 'tmpfs', source: 'none', flags: ['rw'], options: ['size=64k'], propagation: 'shared:7' },
  ],
  maskedPaths: [{ path: '/proc/kcore', stands: true }, { path: '/proc/acpi', stands: false }],
  readonlyPaths: [],
  devices: { rules: 'deny all; allow c 1:3 rw', heldByProgram: true },
  cgroup: { path: '/sys/fs/cgroup/tsrun/web.1-0', limits: { 'memory.max': '1048576' }, notHeld: [{ field: '/linux/resources/pids/limit', reason: 'no' }] },
  rlimits: [{ name: 'RLIMIT_CORE', soft: '0', hard: '0' }, { name: 'RLIMIT_NOFILE', soft: '1024', hard: '4096' }, { name: 'RLIMIT_CPU', soft: 'unlimited', hard: 'unlimited' }],
  network: { standing: 'shared', interfaces: ['lo'] },
  oomScoreAdj: 0, umask: 0o22,
};

test('isolation: a line for each wall, nothing of it able to drive a terminal', (t) => {
  const text = renderRows(isolationRows(report), plain);
  const line = (name: string) => text.split('\n').find((each) => each.startsWith(`  ${name} `))?.slice(2 + name.length).trim();
  t.is(line('user'), 'own (11)');
  t.is(line('network'), 'shared with web.2 (12)');
  t.is(line('time'), "the host's (13)");
  t.is(line('uid map'), '0–65535 are 524288–589823 on the host');
  t.is(line('groups'), '10');
  t.is(line('effective'), 'CHOWN');
  t.is(line('seccomp'), "1 filter: tsrun's default profile");
  t.is(line('masked'), '1 of 2 paths; not there: /proc/acpi');
  t.is(line('/'), 'overlay  rw,nodev');
  t.is(line('rules'), 'deny all; allow c 1:3 rw');
  t.is(line('held'), 'by a program on the cgroup');
  t.is(line('memory.max'), '1048576');
  t.is(line('not held'), '/linux/resources/pids/limit: no');
  t.is(line('nofile'), '1024, up to 4096');
  t.is(line('core'), '0');
  t.is(line('cpu'), undefined);
  t.true(text.includes('/a\\x1b[2J'));
  t.false(text.includes('secret') || text.includes('\u001b'));
});

test('isolation: what differs between any two containers is no difference', (t) => {
  const other: IsolationReport = {
    ...report, id: 'web.2', pid: 43,
    namespaces: report.namespaces.map((each) => ({ ...each, inode: each.inode + 10, sharedWith: each.sharedWith.length > 0 ? ['web.1'] : [] })),
    users: {
      ...report.users, uid: { real: 700_000, effective: 700_000, saved: 700_000 }, gid: { real: 700_000, effective: 700_000, saved: 700_000 }, groups: [700_010],
      uidMap: [{ containerID: 0, hostID: 700_000, size: 65_536 }], gidMap: [{ containerID: 0, hostID: 700_000, size: 65_536 }],
    },
    cgroup: { ...report.cgroup, path: '/sys/fs/cgroup/tsrun/web.2-1' },
    mounts: report.mounts.map((mount) => ({ ...mount, propagation: mount.propagation.replace('7', '8') })),
  };
  t.deepEqual(compareRows(isolationRows(report), isolationRows(other)), []);
  t.is(renderDifferences({ left: 'web.1', right: 'web.2', differences: [] }, plain), '');
});

test('isolation: real differences, side by side', (t) => {
  const open: IsolationReport = {
    ...report, noNewPrivileges: false, network: { standing: 'host', interfaces: ['lo', 'eth0'] }, maskedPaths: [],
    namespaces: report.namespaces.map((each) => (each.type === 'network' ? { ...each, sharedWithHost: true } : each)),
    mounts: report.mounts.slice(0, 1),
  };
  const differences = compareRows(isolationRows(report), isolationRows(open));
  t.deepEqual(differences.map(({ wall }) => wall), ['namespaces: network', 'system calls: no_new_privs', 'network: interfaces', 'network: to the host', 'files: masked', 'mounts: /a\u001b[2J']);
  t.deepEqual(differences.at(-1), { wall: 'mounts: /a\u001b[2J', left: 'tmpfs  rw  size=64k  shared:7' });
  const lines = renderDifferences({ left: 'web.1', right: 'web.2', differences }, plain, 90).split('\n');
  t.regex(lines[0] ?? '', /^WALL +web\.1 +web\.2$/);
  t.regex(lines[2] ?? '', /^system calls: no_new_privs +on +off$/);
  t.true(lines.some((line) => line.includes('\\x1b[2J') && line.trimEnd().endsWith('-')));
  t.true(lines.every((line) => line.length <= 90), 'long cells go on in the next line');
});

test('doctor: marks, costs and remedies, and a verdict', (t) => {
  const good = { topic: 'kernel', ok: 'yes', text: 'Linux 6.1' } as const;
  const lack = { topic: 'swap', ok: 'no', text: 'none', cost: 'a kill', remedy: 'add some' } as const;
  t.is(renderExamination({ ready: true, findings: [good, lack] }, plain), [
    'yes     kernel  Linux 6.1',
    'no      swap    none',
    '                costs  a kill',
    '                remedy add some',
    '',
    'a default run works here; 1 of 2 things are not as they could be',
    '',
  ].join('\n'));
  t.regex(renderExamination({ ready: false, findings: [good, { ...lack, blocks: true }] }, plain), /\na default run fails here because of: swap\n$/);
  t.regex(renderExamination({ ready: true, findings: [good] }, plain), /\na default run works here\n$/);
});
