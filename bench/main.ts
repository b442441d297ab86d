/**
 * `npm run bench -- [--only SECTION,…] [--quick] [--json FILE] [--svg FILE]`: tsrun beside the kernel's floor and the runtimes that are installed. It
 * judges nothing: it says what was measured and what the design promises.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Runtime, type ContainerRecord, type Plan } from '../src/index.js';
import { AgentClient } from './agent-client.js';
import { chartOf } from './chart.js';
import { Floor, floorArguments, type FloorMode } from './floor.js';
import { defaultRun, type AgentSize } from './orders.js';
import { installedPeers, writeBundle, type Peer } from './peers.js';
import { textOf, type SectionResult } from './report.js';
import { sections, type SectionName } from './sections.js';
import type { Stage } from './stage.js';
import { mountCgroup2, mountState, moveInside, noteCgroups } from './surroundings.js';
import { makeWorkspace, type Workspace } from './workspace.js';

interface Choices {
  readonly only: readonly SectionName[];
  readonly quick: boolean;
  readonly json: string | undefined;
  /** Of peers, and of peers-buffers. */
  readonly svg: string | undefined;
}

const checkout = resolve(import.meta.dirname, '../..');
const sectionNames = ['embedded', 'heap', 'mounts', 'live', 'parts', 'peers', 'peers-300', 'peers-1000', 'peers-buffers', 'at-once', 'cli', 'oci', 'layers', 'images', 'image-loop', 'loop', 'memory', 'dynos'] as const satisfies readonly SectionName[];

function readChoices(): Choices {
  const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false }, json: { type: 'string' }, svg: { type: 'string' } } });
  const asked = values.only?.split(',') ?? [...sectionNames];
  const unknown = asked.find((name) => !sectionNames.some((each) => each === name));
  if (unknown !== undefined) throw new Error(`no section '${unknown}'; there are ${sectionNames.join(', ')}`);
  return { only: sectionNames.filter((name) => asked.includes(name)), quick: values.quick, json: values.json, svg: values.svg };
}

/** One container of the default profile: its plan, and what is told of it. */
async function lookAtDefault({ rootfs, stateOf }: Workspace): Promise<{ plan: Plan; record: ContainerRecord; arch: 'x64' | 'arm64' }> {
  await using runtime = await Runtime.open({ root: stateOf('look') });
  const plan = await runtime.plan(rootfs, defaultRun);
  const container = await runtime.run(rootfs, defaultRun);
  await container.exited;
  return { plan, record: container.record, arch: runtime.host.arch };
}

class Bench implements Stage {
  readonly quick: boolean;
  readonly peers: readonly Peer[];
  readonly workspace: Workspace;
  readonly waitBundle: string;
  readonly tsrun = [process.execPath, resolve(checkout, packageField('bin', 'tsrun'))];
  readonly #plan: Plan;
  readonly #floors = new Map<FloorMode, Floor>();
  readonly #agents = new Map<string, Promise<AgentClient>>();

  constructor(workspace: Workspace, plan: Plan, peers: Pick<Stage, 'peers' | 'waitBundle'>, quick: boolean) {
    this.workspace = workspace;
    this.waitBundle = peers.waitBundle;
    this.#plan = plan;
    this.peers = peers.peers;
    this.quick = quick;
  }

  floor(mode: FloorMode): Floor {
    const floor = this.#floors.get(mode) ?? new Floor(this.workspace.floor, floorArguments(this.#plan, this.workspace, mode));
    this.#floors.set(mode, floor);
    return floor;
  }

  agent({ heapMb = 0, bufferMb = 0, mounts = 0 }: Partial<AgentSize> = {}): Promise<AgentClient> {
    const name = `agent-${heapMb}-${bufferMb}-${mounts}`;
    const agent = this.#agents.get(name) ?? this.#startAgent(name, { heapMb, bufferMb, mounts });
    this.#agents.set(name, agent);
    return agent;
  }

  async close(): Promise<void> {
    for (const floor of this.#floors.values()) await floor.close();
    for (const agent of this.#agents.values()) await (await agent).close();
  }

  #startAgent(name: string, size: AgentSize): Promise<AgentClient> {
    const { path, rootfs, layers, stateOf } = this.workspace;
    const own = {
      'node -e 0': [process.execPath, '-e', '0'],
      'tsrun run': ['env', `TSRUN_ROOT=${stateOf('cli')}`, ...this.tsrun, 'run', '--rm', rootfs, '--', '/bin/true'],
    };
    const filter = join(path, 'filter');
    writeFileSync(filter, this.#plan.steps.flatMap(({ step }) => (step.op === 'loadSeccomp' ? [step.filter] : []))[0] ?? '');
    const programs = { ...own, ...Object.fromEntries(this.peers.map((peer) => [peer.name, peer.command])) };
    return AgentClient.start({ ...size, rootfs, layers, state: stateOf(name), programs, filter });
  }
}

/** What a user of the package gets. */
function packageField(...path: readonly string[]): string {
  let value: unknown = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
  for (const key of path) value = typeof value === 'object' && value !== null ? Object.entries(value).find(([name]) => name === key)?.[1] : undefined;
  return String(value);
}

function describeHost(peers: readonly Peer[]): Record<string, string> {
  const versions = Object.fromEntries(peers.map(({ name, version }) => [name, version]));
  const tsrun = packageField('version');
  const [cpu] = cpus();
  return { date: new Date().toISOString(), kernel: release(), cpu: `${cpus().length} × ${cpu?.model ?? 'unknown'}`, node: process.version, tsrun, ...versions };
}

function hostLines({ date = '', kernel = '', cpu = '', node = '' }: Record<string, string>, peers: readonly Peer[]): string[] {
  const [processors = ''] = cpu.split(' ');
  const where = `${date.slice(0, 10)}, ${processors} processors, Linux ${/^\d+\.\d+/.exec(kernel)?.[0] ?? kernel}, Node ${node.slice(1)}`;
  return [where, peers.map(({ name, version }) => `${name} ${version}`).join(', ')];
}

async function runAll(choices: Choices, workspace: Workspace): Promise<void> {
  const { plan, record, arch } = await lookAtDefault(workspace);
  const peers = installedPeers(workspace, record.spec, arch);
  const host = describeHost(peers);
  for (const [name, value] of Object.entries(host)) console.log(`${name.padEnd(16)}${value}`);
  console.log('');
  const results: Partial<Record<SectionName, SectionResult>> = {};
  const waitBundle = writeBundle(workspace, record.spec, arch, ['/bin/wait']);
  const bench = new Bench(workspace, plan, { peers, waitBundle }, choices.quick);
  try {
    for (const name of choices.only) {
      const result = await sections[name](bench);
      results[name] = result;
      console.log(textOf(result));
    }
  } finally {
    await bench.close();
  }
  if (choices.svg !== undefined && results.peers !== undefined) writeFileSync(choices.svg, chartOf(results.peers, results['peers-buffers'], hostLines(host, peers)));
  if (choices.json !== undefined) writeFileSync(choices.json, `${JSON.stringify({ host, quick: choices.quick, sections: results }, undefined, 2)}\n`);
}

async function main(): Promise<void> {
  const choices = readChoices();
  if (process.geteuid?.() !== 0) throw new Error('the bench makes namespaces, mounts and cgroups: run it as root');
  const status = moveInside();
  if (status !== undefined) {
    process.exitCode = status;
    return;
  }
  mountCgroup2();
  const removeCgroups = noteCgroups();
  const workspace = makeWorkspace();
  const unmountState = mountState([workspace.state, join(workspace.path, 'state')]);
  try {
    await runAll(choices, workspace);
  } finally {
    unmountState();
    removeCgroups();
    workspace.remove();
  }
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
