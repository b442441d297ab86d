// What programs that know nothing of cgroup v2 find as limits, and events of pressure.
import test from 'ava';
import { dynoSizes, type ContainerEvent } from '../../src/index.js';
import { shownSize } from '../../src/dyno/sizes/shown-size.js';
import { fixture, Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'cgroup2');

/** How Heroku's buildpack for Python chooses a number of workers, and how older ones tell sizes apart. */
const buildpack = `
limit=/sys/fs/cgroup/memory/memory.limit_in_bytes
[ -f $limit ] || { echo none; exit; }
memory=$(( $(cat $limit) / 1048576 / 256 ))
processors=$(( $(nproc) * 2 + 1 ))
echo "$(( memory < processors ? memory : processors )) by $(nproc), $(grep -c ^processor /proc/cpuinfo)"
awk '/^MemTotal/ { print $2 }' /proc/meminfo`;

here('start scripts of buildpacks find the size of a dyno; without it they find none', async (t) => {
  const debian = fixture('debian');
  const run = async (size?: (typeof dynoSizes)[keyof typeof dynoSizes]) => (await lab.sh(buildpack, size === undefined ? {} : shownSize(size), debian)).stdout.trimEnd();
  const host = Number(await run(undefined).then(async () => (await lab.sh('nproc', {}, debian)).stdout));
  t.is(await run(), 'none');
  t.regex(await run(dynoSizes['standard-1x']), new RegExp(`^2 by ${host}, ${host}\n524288$`));
  const processors = Math.min(2, host);
  t.is(await run(dynoSizes['performance-m']), `${2 * processors + 1} by ${processors}, ${processors}\n2621440`);
  t.is((await lab.sh('nproc; grep -c ^processor /proc/cpuinfo', shownSize({ memoryBytes: 2 ** 20, cpus: 0.5 }), debian)).stdout, '1\n1\n');
});

here('nobody can write to what is shown, the cgroup v2 files are there beside it, and nothing stays', async (t) => {
  const script = 'cd /sys/fs/cgroup/memory; echo 1 > memory.limit_in_bytes; echo 1 > x; umount . ; test -f ../cgroup.events && grep -c . ../cgroup.events; cat memory.limit_in_bytes';
  const { stdout } = await lab.sh(script, { shownLimits: { memory: '1m' } });
  t.is(stdout, '2\n1048576\n');
  t.is((await lab.sh('cat /sys/fs/cgroup/memory/memory.limit_in_bytes', { shownLimits: { memory: '1m' }, root: 'read-only' })).stdout, '1048576\n');
});

needs('root', 'cgroup2', 'file:/proc/pressure/cpu')('who waits is told of, as long as somebody asked', async (t) => {
  const container = await lab.start({ command: ['sh', '-c', 'for n in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; wait'], pressure: ['cpu', 'memory'] });
  const told: ContainerEvent[] = [];
  for await (const event of container.events()) {
    told.push(event);
    if (event.type === 'pressure') await container.killAll();
  }
  const event = told.find(({ type }) => type === 'pressure');
  t.like(event, { type: 'pressure', resource: 'cpu' });
  t.true(event?.type === 'pressure' && event.pressure.some.totalUs > 200_000);
});

test('a size without processors of its own shows no number of them', (t) => {
  t.deepEqual(shownSize(dynoSizes.eco), { shownLimits: { memory: 512 * 2 ** 20 }, env: {} });
  t.deepEqual(shownSize({ memoryBytes: 2 ** 20, cpus: 1.5 }), { shownLimits: { memory: 2 ** 20, cpus: 1.5 }, env: { OMP_THREAD_LIMIT: '2' } });
});

lab.declareLeakTest();
