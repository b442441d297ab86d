/** What a dyno costs while it does nothing, beside what other engines keep for each container. */
import { monitors } from './monitors.js';
import { single, type SectionResult } from './report.js';
import type { Stage } from './stage.js';

export async function measureDynos(stage: Stage): Promise<SectionResult> {
  const count = stage.quick ? 100 : 1000;
  const agent = await stage.agent();
  const [launcher = Number.NaN, node = Number.NaN, used = Number.NaN, busyMs = Number.NaN] = await agent.order({ op: 'dynos', count });
  const rows = [
    single('launcher, resident', 'kB', launcher / 1024),
    single('Node, resident', 'kB', node / 1024),
    single('Node, in use by JavaScript', 'kB', used / 1024),
    single(`processor time of both in a second, with ${count}`, 'ms', busyMs),
    ...(await monitors(stage)),
  ];
  const notes = [
    `growth with ${count} idle dynos of one formation, for each, beside the processes of their own; its log is read and its state kept`,
    'conmon and the shim: what podman and containerd leave beside each container, its share of what is mapped by several counted in parts (PSS)',
  ];
  return { title: 'dynos: what an idle dyno adds, and what it takes at rest', rows, comparisons: [], notes };
}
