/** What a dyno costs while it does nothing, beside what podman keeps for each container. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { single, type Row, type SectionResult } from './report.js';
import type { Stage } from './stage.js';

const watched = { all: 20, quick: 3 } as const;

export async function measureDynos(stage: Stage): Promise<SectionResult> {
  const count = stage.quick ? 100 : 1000;
  const agent = await stage.agent();
  const [launcher = Number.NaN, node = Number.NaN, used = Number.NaN, busyMs = Number.NaN] = await agent.order({ op: 'dynos', count });
  const rows = [
    single('launcher, resident', 'kB', launcher / 1024),
    single('Node, resident', 'kB', node / 1024),
    single('Node, in use by JavaScript', 'kB', used / 1024),
    single(`processor time of both in a second, with ${count}`, 'ms', busyMs),
    ...monitorOfPodman(stage),
  ];
  const notes = [
    `growth with ${count} idle dynos of one formation, for each, beside the processes of their own; its log is read and its state kept`,
    'conmon: what podman leaves beside each container, its share of what is mapped by several counted in parts (PSS)',
  ];
  return { title: 'dynos: what an idle dyno adds, and what it takes at rest', rows, comparisons: [], notes };
}

/** Its process for each container, where podman is installed. */
function monitorOfPodman({ peers, quick }: Stage): Row[] {
  const { command = [] } = peers.find(({ name }) => name === 'podman') ?? {};
  const at = command.indexOf('run');
  const [program = '', ...state] = command.slice(0, Math.max(0, at));
  if (program === '') return [];
  const call = (...words: string[]) => spawnSync(program, [...state, ...words], { encoding: 'utf8', timeout: 60_000 });
  const count = quick ? watched.quick : watched.all;
  const ids = Array.from({ length: count }, () => call('run', '--detach', ...command.slice(at + 1, -1), '/bin/wait').stdout.trim());
  try {
    const sizes = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
      const [monitor = '', ...words] = contentOf(`/proc/${pid}/cmdline`).split('\0');
      return monitor.endsWith('/conmon') && words.some((word) => word !== '' && ids.includes(word)) ? [proportional(pid)] : [];
    });
    return sizes.length === 0 ? [] : [single('conmon, of podman', 'kB', sizes.reduce((sum, each) => sum + each, 0) / sizes.length)];
  } finally {
    for (const id of ids) if (id !== '') call('rm', '--force', '--time', '0', id);
  }
}

function proportional(pid: string): number {
  return Number(/^Pss:\s*(\d+) kB$/m.exec(contentOf(`/proc/${pid}/smaps_rollup`))?.[1]);
}

/** Empty for a process that is gone. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
