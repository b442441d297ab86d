// tsrun-oci update: limits of a live container, all or none; device rules replaced.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inLongForm, needs } from '../support/needs.js';
import { ociLab, ociTest, program } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const here = ociTest;
const lab = ociLab();
const limited = needs('root', 'cgroup2:memory', 'cgroup2:cpu', 'cgroup2:pids', 'cgroup2:io', `file:/${program.slice(1)}`);

function cgroupOf(id: string): string {
  const path = readFileSync(`/proc/${String(lab.state(id)['pid'])}/cgroup`, 'utf8').split('\n').find((line) => line.startsWith('0::'))?.slice(3) ?? '';
  return `${statSync('/sys/fs/cgroup/cgroup.controllers', { throwIfNoEntry: false }) === undefined ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup'}${path}`;
}

const contentOf = (id: string, file: string): string => readFileSync(join(cgroupOf(id), file), 'utf8').trim();

function withInput(input: string, ...words: readonly string[]): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(program, ['--root', lab.root, ...words], { input, encoding: 'utf8', timeout: 30_000 });
}

here('limits from a file, from standard input, and what it says of wrong ones', (t) => {
  const id = lab.running();
  const file = join(lab.folder, 'resources.json');
  writeFileSync(file, JSON.stringify({ hugepageLimits: [{ pageSize: '2MB', limit: 4_194_304 }], unknown: { later: true } }));
  t.is(lab.call('update', '--resources', file, id).stderr, '');
  t.deepEqual(['max', 'rsvd.max'].map((name) => contentOf(id, `hugetlb.2MB.${name}`)), ['4194304', '4194304']);
  t.deepEqual(withInput(JSON.stringify({ unified: { 'hugetlb.2MB.max': 'max' } }), 'update', id, '-r', '-').stderr, '');
  t.deepEqual(['max', 'rsvd.max'].map((name) => contentOf(id, `hugetlb.2MB.${name}`)), ['max', '4194304']);
  for (const [words, input, says] of [
    [['--resources', '/no/such', id], '', /^open \/no\/such: no such file or directory\n$/],
    [['-r', '-', id], '{"memory": {"limit": "much"}}', /memory\/limit/],
    [['-r', '-', id], '{"memory": ', /standard input/],
    [['-r', '-', id], '{"hugepageLimits": [{"pageSize": "3MB", "limit": 1}]}', /3MB/],
    [['-r', '-', id], '{"network": {"classID": 5}}', /network class does not exist in cgroup v2/],
    [['-r', '-', id], '{"memory": {"swappiness": 5}}', /swappiness/],
    [['-r', '-', '--memory', '5M', id], '{}', /leave --memory out/],
    [['--memory', '5x', id], '', /^invalid value for memory: "5x"/],
    [['--cpu-quota', 'many', id], '', /^invalid value for cpu-quota: "many"/],
    [['--kernel-memory', '5M', id], '', /kernel memory does not exist in cgroup v2/],
    [['--cpu-rt-runtime', '5000', id], '', /realtime bandwidth per cgroup does not exist/],
    [['--mem-bw-schema', 'MB:0=5', id], '', /^updating a non-existent Intel RDT configuration is not supported/],
    [['nosuch'], '', /^container does not exist/],
  ] as const) {
    const answer = withInput(input, 'update', ...words);
    t.is(answer.status, 1, words.join(' '));
    t.regex(answer.stderr, says);
  }
  t.is(contentOf(id, 'hugetlb.2MB.max'), 'max');
  t.is(lab.call('update', id).code, 0);
  t.is(lab.call('kill', id, 'KILL').code, 0);
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('a container that has ended, or has none running yet', async (t) => {
  const id = lab.newId();
  t.is(lab.call('create', '--bundle', lab.bundle(), id).code, 0);
  t.is(withInput('{"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}', 'update', '-r', '-', id).stderr, '');
  t.is(contentOf(id, 'hugetlb.2MB.max'), '0');
  t.is(lab.call('kill', id, 'KILL').code, 0);
  await until(() => lab.status(id) === 'stopped', 'its end');
  t.is(lab.call('update', '--pids-limit', '5', id).stderr, 'container not running\n');
  t.is(lab.call('delete', id).code, 0);
});

here('one that the kernel does not take has the others set back', (t) => {
  const id = lab.running({ linux: { resources: { hugepageLimits: [{ pageSize: '2MB', limit: 4_194_304 }] } } });
  for (const [unified, says] of [
    [{ 'hugetlb.2MB.max': '2097152', 'cgroup.max.depth': '0x' }, /"0x" is not allowed/],
    [{ 'hugetlb.2MB.max': '2097152', 'cgroup.pressure': '7' }, /^the kernel does not take '7' for cgroup\.pressure \(E\w+\): nothing was changed\n$/],
    [{ 'hugetlb.2MB.max': '2097152', 'hugetlb.3MB.max': '2097152' }, /this kernel has no 'hugetlb\.3MB\.max'/],
  ] as const) {
    const answer = withInput(JSON.stringify({ unified }), 'update', '-r', '-', id);
    t.is(answer.status, 1);
    t.regex(answer.stderr, says);
    t.is(contentOf(id, 'hugetlb.2MB.max'), '4194304');
  }
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('an update that is killed at any moment leaves limits that the next one changes', async (t) => {
  const id = lab.running();
  const file = join(lab.folder, 'killed.json');
  writeFileSync(file, JSON.stringify({ devices: [{ allow: false, access: 'rwm' }], hugepageLimits: [{ pageSize: '2MB', limit: 2_097_152 }] }));
  let killed = 0;
  for (let moment = 0; moment < 24; moment++) {
    killed += (await lab.beginAndKill(moment * 0.6, 'update', '--resources', file, id)) ? 1 : 0;
    const limit = `${(moment + 2) * 2_097_152}`;
    t.is(withInput(JSON.stringify({ hugepageLimits: [{ pageSize: '2MB', limit: Number(limit) }] }), 'update', '-r', '-', id).stderr, '');
    t.is(contentOf(id, 'hugetlb.2MB.max'), limit);
  }
  t.true(killed > 0);
  t.deepEqual(readdirSync(join(lab.root, id)).sort(), ['lock', 'state.json']);
  t.is(lab.call('delete', '--force', id).code, 0);
});

/** Nothing is behind this node, so that no right but the cgroup's is asked for: it is not there (ENXIO), or not permitted. */
const odd = { type: 'c', path: '/dev/odd', major: 1, minor: 200 };
const denied = { allow: false, access: 'rwm' };

function permits(id: string, name: string): boolean {
  const { stderr } = lab.call('exec', id, 'sh', '-c', `exec 3<${name} && echo open >&2`);
  if (!/open|No such device|not permitted/.test(stderr)) throw new Error(stderr);
  return !stderr.includes('not permitted');
}

here('device rules are replaced at once, and nothing of the former is left', (t) => {
  const rule = { allow: true, type: 'c', major: 1, minor: 200, access: 'r' };
  const id = lab.running({ linux: { devices: [odd], resources: { devices: [denied, rule] } } });
  const update = (...rules: readonly object[]) => withInput(JSON.stringify({ devices: [denied, ...rules] }), 'update', '-r', '-', id).stderr;
  const permitted = () => [permits(id, '/dev/odd'), permits(id, '/dev/null')];
  t.deepEqual(permitted(), [true, true]);
  t.is(update(), '');
  t.deepEqual(permitted(), [false, true]);
  t.is(update({ allow: false, type: 'c', major: 1, minor: 3 }, rule), '');
  t.deepEqual(permitted(), [true, false]);
  t.is(withInput('{"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}', 'update', '-r', '-', id).stderr, '');
  t.deepEqual(permitted(), [true, false]);
  t.is(update(rule), '');
  t.deepEqual(permitted(), [true, true]);
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('a container that may use every device gets rules, and may use every one again', (t) => {
  const id = lab.running({ linux: { devices: [odd], resources: { devices: [{ allow: true, access: 'rwm' }] } } });
  t.true(permits(id, '/dev/odd'));
  t.is(withInput(JSON.stringify({ devices: [denied] }), 'update', '-r', '-', id).stderr, '');
  t.false(permits(id, '/dev/odd'));
  t.is(withInput('{"devices": [{"allow": true, "access": "rwm"}]}', 'update', '-r', '-', id).stderr, '');
  t.true(permits(id, '/dev/odd'));
  t.is(lab.call('delete', '--force', id).code, 0);
});

limited('a container of one MiB lives: run, started, entered, ended by its program', (t) => {
  const linux = { resources: { memory: { limit: 1_048_576 } } };
  const ran = lab.call('run', '--bundle', lab.bundle({ args: ['sh', '-c', 'echo ran; exit 7'], linux }), lab.newId());
  t.deepEqual([ran.code, ran.stdout, ran.stderr], [7, 'ran\n', '']);
  const id = lab.running({ args: ['sleep', '1000'], linux });
  t.is(contentOf(id, 'memory.max'), '1048576');
  const inside = lab.call('exec', id, 'sh', '-c', 'echo inside; exit 3');
  t.deepEqual([inside.code, inside.stdout, inside.stderr], [3, 'inside\n', '']);
  t.regex(contentOf(id, 'memory.events'), /^oom_kill 0$/m);
  t.is(lab.call('kill', id, 'KILL').code, 0);
  t.is(lab.call('delete', '--force', id).code, 0);
});

limited('every flag, in the files of the cgroup', (t) => {
  const id = lab.running({ linux: { resources: { memory: { limit: 134_217_728 }, cpu: { quota: 50_000, period: 100_000 } } } });
  for (const [words, file, holds] of [
    [['--memory', '64M'], 'memory.max', '67108864'],
    [['--memory-reservation', '32M'], 'memory.low', '33554432'],
    [['--memory-swap', '96M'], 'memory.swap.max', '33554432'],
    [['--memory', '1g', '--memory-swap', '-1'], 'memory.swap.max', 'max'],
    [['--memory', '-1'], 'memory.max', 'max'],
    [['--cpu-quota', '30000'], 'cpu.max', '30000 100000'],
    [['--cpu-period', '50000'], 'cpu.max', '30000 50000'],
    [['--cpu-burst', '10000'], 'cpu.max.burst', '10000'],
    [['--cpu-quota', '-1'], 'cpu.max', 'max 50000'],
    [['--cpu-period', '100000', '--cpu-quota', '40000'], 'cpu.max', '40000 100000'],
    [['--cpu-share', '1024'], 'cpu.weight', '100'],
    [['--cpu-share', '2'], 'cpu.weight', '1'],
    [['--cpu-idle', '1'], 'cpu.idle', '1'],
    [['--cpu-idle', '0'], 'cpu.idle', '0'],
    [['--cpuset-cpus', '0'], 'cpuset.cpus', '0'],
    [['--cpuset-mems', '0'], 'cpuset.mems', '0'],
    [['--pids-limit', '20'], 'pids.max', '20'],
    [['--pids-limit', '0'], 'pids.max', '1'],
    [['--pids-limit', '-1'], 'pids.max', 'max'],
  ] as const) {
    const answer = lab.call('update', ...words, id);
    t.is(answer.stderr, '', words.join(' '));
    t.is(contentOf(id, file), holds, words.join(' '));
  }
  t.is(lab.call('delete', '--force', id).code, 0);
});

limited('a limit below what is in use is refused where that was asked for, and nothing is changed', (t) => {
  const id = lab.running();
  const json = JSON.stringify({ pids: { limit: 7 }, memory: { limit: 4096, checkBeforeUpdate: true } });
  t.regex(withInput(json, 'update', '-r', '-', id).stderr, /^\d+ bytes are in use, more than the new limit of 4096\n$/);
  t.deepEqual([contentOf(id, 'memory.max'), contentOf(id, 'pids.max')], ['max', 'max']);
  t.is(lab.call('delete', '--force', id).code, 0);
});

const compared = inLongForm('root', 'cgroup2:memory', 'cgroup2:cpu', 'cgroup2:pids', 'cgroup2:io', 'command:crun', `file:/${program.slice(1)}`);

compared('the same change by crun gives the same files', (t) => {
  const crun = (...words: readonly string[]) => spawnSync('crun', ['--root', join(lab.folder, 'crun'), '--cgroup-manager', 'cgroupfs', ...words], { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], timeout: 30_000 });
  const [ours, theirs] = [lab.newId(), lab.newId()];
  const bundleOf = (id: string) => lab.bundle({ linux: { cgroupsPath: `/tsrun/${id}` }, more: { ociVersion: '1.0.2' } });
  t.is(lab.call('run', '--detach', '--bundle', bundleOf(ours), ours).code, 0);
  const started = crun('run', '--detach', '--bundle', bundleOf(theirs), theirs);
  t.is(started.status, 0, started.stderr);
  t.teardown(() => crun('delete', '--force', theirs));
  const file = join(lab.folder, 'both.json');
  const [device] = readdirSync('/sys/block').map((name) => readFileSync(`/sys/block/${name}/dev`, 'utf8').trim().split(':').map(Number)).filter(([major]) => major !== undefined && major !== 1 && major !== 7);
  const [major, minor] = device ?? [];
  for (const resources of [
    { memory: { limit: 134_217_728, reservation: 67_108_864, swap: 268_435_456 }, pids: { limit: 33 } },
    { memory: { limit: 134_217_728, swap: -1 } },
    { cpu: { quota: 25_000, period: 50_000, cpus: '0', mems: '0' } },
    { cpu: { quota: -1, period: 50_000 } },
    { pids: { limit: -1 }, unified: { 'memory.high': '99999744', 'memory.oom.group': '1', 'cpu.weight': '77' } },
    { hugepageLimits: [{ pageSize: '2MB', limit: 2_097_152 }] },
    ...(major === undefined ? [] : [{ blockIO: { throttleReadBpsDevice: [{ major, minor, rate: 1_048_576 }], throttleWriteIOPSDevice: [{ major, minor, rate: 500 }] } }]),
  ]) {
    writeFileSync(file, JSON.stringify(resources));
    t.is(lab.call('update', '--resources', file, ours).stderr, '', JSON.stringify(resources));
    t.is(crun('update', '--resources', file, theirs).status, 0, JSON.stringify(resources));
    t.deepEqual(limitsIn(`/sys/fs/cgroup/tsrun/${ours}`), limitsIn(`/sys/fs/cgroup/tsrun/${theirs}`), JSON.stringify(resources));
  }
  t.is(lab.call('delete', '--force', ours).code, 0);
});

/** All limits of a cgroup. crun 1.8 leaves the reservation of huge pages alone, and the depth that tsrun allows. */
function limitsIn(cgroup: string): Readonly<Record<string, string>> {
  const names = readdirSync(cgroup).filter((name) => /\.(?:max|low|high|min|weight|cpus|mems|idle|burst|group)$/.test(name) && !name.includes('rsvd'));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(cgroup, name), 'utf8')]));
}
