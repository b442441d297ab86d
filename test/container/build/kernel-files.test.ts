import test from 'ava';
import { kernelFiles } from '../../../src/container/build/kernel-files.js';

const processor = (number: number) => `processor\t: ${number}\nmodel name\t: a processor\nflags\t\t: fpu`;
const machine = `${[0, 1, 2, 3].map(processor).join('\n\n')}\n\n`;

test('memory, as /proc and cgroup v1 tell of it', (t) => {
  t.deepEqual(kernelFiles({ memory: '512m' }, machine), {
    '/proc/meminfo': `${['MemTotal:         524288', 'MemFree:          524288', 'MemAvailable:     524288', 'Buffers:               0', 'Cached:                0', 'SwapCached:            0', 'SwapTotal:             0', 'SwapFree:              0'].join(' kB\n')} kB\n`,
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '536870912\n',
  });
});

test('processors: the first of the host\'s, as many as a program can use at once', (t) => {
  const listed = (cpus: number, cpuinfo = machine) => kernelFiles({ cpus }, cpuinfo)['/proc/cpuinfo'];
  t.is(listed(2), `${processor(0)}\n\n${processor(1)}\n\n`);
  t.is(listed(1.5), listed(2));
  t.is(listed(0.1), `${processor(0)}\n\n`);
  t.is(listed(8), machine);
  t.is(listed(1, `${machine}Hardware\t: a board\n`), `${processor(0)}\n\nHardware\t: a board\n\n`, 'of the whole machine');
  t.is(listed(1, ''), undefined, 'a host that does not tell');
});

test('nothing is shown that nobody asked for; 0 is no limit', (t) => {
  t.deepEqual(kernelFiles({}, machine), {});
  t.deepEqual(kernelFiles({ memory: 0 }, machine), {});
});
