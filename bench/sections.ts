/** What is measured. Each section stands alone, so that one can be repeated by itself. */
import type { AgentClient } from './agent-client.js';
import { measureLive, measureMounts, measureParts } from './axes.js';
import { measureDynos } from './dynos.js';
import { measureImageLoop } from './image-loop.js';
import { measureImages } from './images.js';
import { measureOci } from './oci.js';
import type { AgentSize } from './orders.js';
import { peerNotes } from './peers.js';
import { compare, compareRows, ratesOf, rowsOf, single, type SectionResult } from './report.js';
import { measure, ratios, type Subject } from './rounds.js';
import type { Stage } from './stage.js';
import { embeddedSubject, floorSubject, programSubject, rounds } from './subjects.js';
import { layersName } from './workspace.js';

export const sections = {
  embedded: measureEmbedded,
  heap: measureHeap,
  mounts: measureMounts,
  live: measureLive,
  parts: measureParts,
  peers: async (stage: Stage) => measurePeers(stage, 'a small heap'),
  'peers-300': async (stage: Stage) => measurePeers(stage, '300 MB of heap', { heapMb: 300 }),
  'peers-1000': async (stage: Stage) => measurePeers(stage, '1 GB of heap', { heapMb: 1000 }),
  'peers-buffers': async (stage: Stage) => measurePeers(stage, '300 MB of buffers', { bufferMb: 300 }),
  'at-once': measureAtOnce,
  cli: measureCli,
  oci: measureOci,
  layers: measureLayers,
  images: measureImages,
  'image-loop': measureImageLoop,
  loop: measureLoop,
  memory: measureMemory,
  dynos: measureDynos,
} as const satisfies Readonly<Record<string, (stage: Stage) => Promise<SectionResult>>>;

/** Of live objects. */
const largeHeapMb = 300;

export type SectionName = keyof typeof sections;

async function measureEmbedded(stage: Stage): Promise<SectionResult> {
  const embedded = embeddedSubject(await stage.agent(), 'embedded', true);
  const samples = await measure([floorSubject(stage, 'full'), floorSubject(stage, 'bare'), embedded], rounds(stage, 300));
  const full = 'kernel floor, full';
  const comparisons = [
    ...compareRows(samples, 'embedded, to exit', full, { goal: '<= 1.4' }),
    ...compareRows(samples, 'embedded, to executed', full),
    ...compareRows(samples, 'embedded, to exit', 'kernel floor, bare'),
    ...compareRows(samples, full, 'kernel floor, bare'),
  ];
  const notes = ['full: the system calls of the default plan; bare: namespaces, eight mounts, six devices, pivot_root, execve'];
  return { title: 'embedded: runtime.run() of a static true', rows: rowsOf(samples), comparisons, notes: [...notes, ...samples.failures] };
}

async function measureHeap(stage: Stage): Promise<SectionResult> {
  const [small, large] = ['embedded, small heap', `embedded, ${largeHeapMb} MB heap`];
  const subjects = [embeddedSubject(await stage.agent(), small), embeddedSubject(await stage.agent({ heapMb: largeHeapMb }), large)];
  const samples = await measure(subjects, rounds(stage, 150));
  const comparisons = compareRows(samples, `${large}, to exit`, `${small}, to exit`, { goal: '<= 1.1' });
  return { title: 'heap: the same with a large Node process', rows: rowsOf(samples), comparisons, notes: samples.failures };
}

const peerGoals: Readonly<Record<string, string>> = { 'crun 0': '>= 3.5', 'runc 0': '>= 9', 'crun 300': '>= 13', 'runc 300': '>= 18' };

async function measurePeers(stage: Stage, sizeInWords: string, size: Partial<AgentSize> = {}): Promise<SectionResult> {
  const agent = await stage.agent(size);
  const programs = stage.peers.map(({ name }) => programSubject(agent, name));
  const samples = await measure([embeddedSubject(agent, 'embedded'), ...programs], rounds(stage, 60));
  const comparisons = stage.peers.flatMap(({ name }) => {
    const goal = peerGoals[`${name} ${(size.heapMb ?? 0) + (size.bufferMb ?? 0)}`];
    return compareRows(samples, name, 'embedded, to exit', goal === undefined ? {} : { goal });
  });
  const title = `peers: started by child_process from the same Node process, with ${sizeInWords}`;
  return { title, rows: rowsOf(samples), comparisons, notes: [...peerNotes, ...samples.failures] };
}

async function measureAtOnce(stage: Stage): Promise<SectionResult> {
  const atOnce = 16;
  const count = stage.quick ? 32 : 96;
  const agent = await stage.agent();
  const floor = stage.floor('full');
  const many = (subject: string): Subject => ({
    start: async () => ({ [subject]: (await agent.order({ op: 'many', subject, count, atOnce }))[0] ?? Number.NaN }),
  });
  const peers = stage.peers.filter(({ name }) => name === 'crun').map(({ name }) => many(name));
  const subjects = [{ start: async () => ({ 'kernel floor, full': (await floor.run(count, atOnce)).totalNs }) }, many('embedded'), ...peers];
  const samples = await measure(subjects, { rounds: stage.quick ? 4 : 15, warmUp: 1 });
  // Of durations, so that more a second is more than 1.
  const comparisons = [
    ...compare('embedded / kernel floor, full', '×', ratios(samples.rows.get('kernel floor, full') ?? [], samples.rows.get('embedded') ?? []), '>= 0.75'),
    ...compare('embedded / crun', '×', ratios(samples.rows.get('crun') ?? [], samples.rows.get('embedded') ?? []), '>= 3'),
  ];
  return { title: `at-once: ${atOnce} starts at once, containers a second`, rows: ratesOf(samples, count), comparisons, notes: samples.failures };
}

async function measureCli(stage: Stage): Promise<SectionResult> {
  const agent = await stage.agent();
  const samples = await measure(['node -e 0', 'tsrun run'].map((name) => programSubject(agent, name)), rounds(stage, 40));
  const [node, tsrun] = [samples.rows.get('node -e 0') ?? [], samples.rows.get('tsrun run') ?? []];
  const more = tsrun.slice(0, node.length).map((duration, round) => (duration - (node[round] ?? Number.NaN)) / 1e6);
  const comparisons = compare('tsrun run - node -e 0', 'ms', more, '<= 25');
  return { title: 'cli: tsrun run of a static true', rows: rowsOf(samples), comparisons, notes: samples.failures };
}

/** An image of many layers against a plain folder: overlayfs asks each layer for each name. */
async function measureLayers(stage: Stage): Promise<SectionResult> {
  const agent = await stage.agent();
  const counts = [1, 60].map(layersName);
  const subjects = [embeddedSubject(agent, 'folder'), ...counts.map((name) => programSubject(agent, name))];
  const samples = await measure(subjects, rounds(stage, 200));
  const comparisons = counts.flatMap((name) => compareRows(samples, name, 'folder, to exit', { goal: '<= 1.15' }));
  return { title: 'layers: a root of one and of sixty layers, against a folder', rows: rowsOf(samples), comparisons, notes: samples.failures };
}

async function measureLoop(stage: Stage): Promise<SectionResult> {
  const loop = (agent: AgentClient, heap: string): Subject => ({
    start: async () => {
      const [busy = Number.NaN, longest = Number.NaN] = await agent.order({ op: 'loop', count: 20 });
      return { [`busy for each container, ${heap} heap`]: busy, [`longest turn, ${heap} heap`]: longest };
    },
  });
  const subjects = [loop(await stage.agent(), 'small'), loop(await stage.agent({ heapMb: largeHeapMb }), `${largeHeapMb} MB`)];
  const samples = await measure(subjects, rounds(stage, 40));
  const notes = ['20 embedded starts a round; a busy machine shows here as well, since the clock goes on while others run'];
  return { title: "loop: what embedded starts take of the agent's event loop", rows: rowsOf(samples), comparisons: [], notes: [...notes, ...samples.failures] };
}

async function measureMemory(stage: Stage): Promise<SectionResult> {
  const count = stage.quick ? 50 : 200;
  const agent = await stage.agent();
  const [launcher = Number.NaN, node = Number.NaN, used = Number.NaN] = await agent.order({ op: 'idle', count });
  const rows = [
    single('launcher, resident', 'kB', launcher / 1024),
    single('Node, resident', 'kB', node / 1024),
    single('together', 'kB', (launcher + node) / 1024),
    single('Node, in use by JavaScript', 'kB', used / 1024),
  ];
  const notes = [`growth with ${count} idle containers, for each; goal for both together: <= 40 kB`];
  return { title: 'memory: what an idle container adds beside its own', rows, comparisons: [], notes };
}
