// tsrun-oci: many commands at once, and what is another container's or nobody's: ids, cgroups, numbers of processes.
import { existsSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ociLab, ociTest } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const here = ociTest;
const lab = ociLab();

here('a cgroup that is another container\'s is refused, and nothing of that one is undone', (t) => {
  const bundle = lab.bundle({ linux: { cgroupsPath: `/tsrun/${lab.newId()}-shared` } });
  const [first, second] = [lab.newId(), lab.newId()];
  t.is(lab.call('create', '--bundle', bundle, first).code, 0);
  const { code, stderr } = lab.call('create', '--bundle', bundle, second);
  t.is(code, 1);
  t.regex(stderr, /^cgroup \S+-shared is there already/);
  t.deepEqual([lab.status(first), lab.traces(second)], ['created', []]);
  t.is(lab.call('delete', '--force', first).code, 0);
});

here('nothing is made below a frozen cgroup, where it would never start', (t) => {
  const [parent, first, second] = [`/tsrun/${lab.newId()}-parent`, lab.newId(), lab.newId()];
  const bundle = (id: string) => lab.bundle({ linux: { cgroupsPath: `${parent}/${id}` } });
  t.is(lab.call('create', '--bundle', bundle(first), first).code, 0);
  const line = readFileSync(`/proc/${lab.pidOf(first)}/cgroup`, 'utf8').split('\n').find((each) => each.startsWith('0::')) ?? '';
  const folder = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].map((root) => join(root, dirname(line.slice(3)))).find((path) => existsSync(join(path, 'cgroup.freeze'))) ?? '';
  writeFileSync(join(folder, 'cgroup.freeze'), '1');
  t.like(lab.call('create', '--bundle', bundle(second), second), { code: 1, stdout: '', stderr: `cgroup ${folder} is frozen: nothing can start in it or below\n` });
  t.deepEqual(lab.traces(second), []);
  writeFileSync(join(folder, 'cgroup.freeze'), '0');
  t.is(lab.call('create', '--bundle', bundle(second), second).code, 0);
  for (const id of [first, second]) lab.remove(t, id);
  rmdirSync(folder);
});

here('of many that ask for one cgroup at once one gets it, and keeps it', async (t) => {
  for (let turn = 0; turn < 5; turn++) {
    const bundle = lab.bundle({ linux: { cgroupsPath: `/tsrun/${lab.newId()}-shared` } });
    const ids = Array.from({ length: 8 }, () => lab.newId());
    const answers = await Promise.all(ids.map(async (id) => lab.begin('create', '--bundle', bundle, id)));
    for (const { code, stderr } of answers) if (code !== 0) t.regex(stderr, /^cgroup \S+-shared is there already/);
    const winners = ids.filter((_id, index) => answers[index]?.code === 0);
    t.deepEqual(winners.map((id) => lab.status(id)), ['created']);
    for (const id of winners) lab.remove(t, id);
  }
});

here('of many that create or delete one id exactly one wins', async (t) => {
  const id = lab.newId();
  const bundle = lab.bundle();
  const create = async () => lab.begin('create', '--bundle', bundle, id);
  const all = async (command: () => ReturnType<typeof create>) => Promise.all(Array.from({ length: 32 }, command));
  const losers = (answers: readonly { readonly code: number | null; readonly stderr: string }[]) => answers.filter(({ code }) => code !== 0).map(({ stderr }) => stderr);
  t.deepEqual(losers(await all(create)), Array.from({ length: 31 }, () => `container with given ID already exists: ${id}\n`));
  t.is(lab.status(id), 'created');
  t.deepEqual(losers(await all(async () => lab.begin('delete', id))), Array.from({ length: 31 }, () => 'container does not exist\n'));
  t.deepEqual(lab.traces(id), []);
  // Both at once: what is left in the end is one container, or none.
  let count = 0;
  const said = new Set(losers(await all(async () => (count++ % 2 === 0 ? create() : lab.begin('delete', id)))));
  t.deepEqual([...said].filter((words) => words !== 'container does not exist\n' && words !== `container with given ID already exists: ${id}\n`), []);
  lab.remove(t, id);
});

here('of a container of another boot only the folder is left: what has its numbers now is somebody else\'s', async (t) => {
  const id = lab.running();
  const file = join(lab.root, id, 'state.json');
  const text = readFileSync(file, 'utf8');
  const pid = lab.pidOf(id);
  writeFileSync(file, text.replace(/"bootId":"[^"]*"/, '"bootId":"00000000-0000-0000-0000-000000000000"'));
  t.like(lab.state(id), { status: 'stopped', pid: 0 });
  t.is(lab.call('kill', id, 'KILL').stderr, 'container not running\n');
  t.is(lab.call('kill', '--all', id, 'KILL').code, 0);
  t.is(lab.call('exec', id, 'true').stderr, 'cannot exec in a stopped container\n');
  t.true(readFileSync(`/proc/${pid}/stat`, 'utf8').includes(' (sleep) S '));
  t.is(lab.call('delete', '--force', id).code, 0);
  t.true(readFileSync(`/proc/${pid}/stat`, 'utf8').includes(' (sleep) S '));
  t.regex(lab.call('create', '--bundle', lab.bundle(), id).stderr, /is there already/);
  const cgroup = lab.traces(id).find((path) => path.startsWith('/sys/fs/cgroup/')) ?? '';
  process.kill(pid, 'SIGKILL');
  await until(() => readFileSync(join(cgroup, 'cgroup.events'), 'utf8').includes('populated 0'), 'its end');
  rmdirSync(cgroup);
  t.deepEqual(lab.traces(id), []);
});
