/** Images beside who else unpacks them: the same image, the same disk, an empty store. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { RealRegistry, skopeo } from '../test/support/real-registry.js';
import { FreshDisk } from './fresh-disk.js';
import { installedUnpackers, unpackerNotes, type ImageSource, type Unpacker } from './image-peers.js';
import { compareRows, rowsOf, type Comparison, type Row, type SectionResult } from './report.js';
import { measure, type RoundsOptions, type Subject } from './rounds.js';
import type { Stage } from './stage.js';

interface Variant {
  readonly title: string;
  readonly source: ImageSource;
}

interface Places {
  readonly disk: FreshDisk;
  readonly layouts: string;
}

const megabytes = { whole: 200, quick: 40 };
const toEnd = 'to its end';
const onDisk = 'on the disk';

export async function measureImages(stage: Stage): Promise<SectionResult> {
  const size = stage.quick ? megabytes.quick : megabytes.whole;
  const layouts = makeLayouts(size);
  const disk = new FreshDisk(stage.workspace.path, stage.quick ? 2 ** 29 : 2 ** 31);
  const { unpackers, versions } = installedUnpackers({ tsrun: stage.tsrun, folder: disk.folder, stateOf: stage.workspace.stateOf, fewer: stage.quick });
  const registry = await startRegistry(join(stage.workspace.path, 'registry'), layouts);
  const rows: Row[] = [];
  const comparisons: Comparison[] = [];
  const failures: string[] = [];
  try {
    for (const variant of variantsOf(registry?.host)) {
      const result = await measureVariant(variant, unpackers, { disk, layouts }, { rounds: stage.quick ? 2 : 7, warmUp: stage.quick ? 0 : 1 });
      rows.push(...result.rows);
      comparisons.push(...result.comparisons);
      failures.push(...result.failures);
    }
  } finally {
    await registry?.stop();
    disk.remove();
  }
  const notes = [versions, ...unpackerNotes, ...(registry === undefined ? ['no docker-registry on this host: nothing was pulled'] : []), ...failures];
  return { title: `images: ${size} MB of files, from an OCI layout or a registry on loopback, into an empty store`, rows, comparisons, notes };
}

/** The folder of what `image-layouts.mjs` makes. */
export function makeLayouts(size: number): string {
  const program = resolve(import.meta.dirname, '../../bench/image-layouts.mjs');
  return execFileSync(process.execPath, [program, String(size)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

async function startRegistry(folder: string, layouts: string): Promise<RealRegistry | undefined> {
  try {
    const registry = await RealRegistry.start(folder);
    skopeo('copy', '--quiet', '--dest-tls-verify=false', `oci:${layouts}/gzip:many`, `docker://${registry.host}/many:latest`);
    return registry;
  } catch {
    return undefined;
  }
}

function variantsOf(registry: string | undefined): Variant[] {
  const compressions = ['gzip', 'zstd'] as const;
  const local = compressions.flatMap((compression) => [['one', '1 layer'], ['many', '8 layers']].map(([name = '', count]): Variant => (
    { title: `${compression}, ${count}`, source: { layout: compression, name } })));
  return [...local, ...(registry === undefined ? [] : [{ title: 'registry, gzip, 8 layers', source: { registry, name: 'many:latest' } }])];
}

async function measureVariant({ title, source }: Variant, unpackers: readonly Unpacker[], places: Places, options: RoundsOptions) {
  const taking = unpackers.flatMap(({ name, command }) => {
    const words = command(source);
    return words === undefined ? [] : [{ row: `${title}: ${name}`, name, words }];
  });
  const samples = await measure(taking.map(({ row, words }) => subject(row, words, places)), options);
  const tsrun = `${title}: tsrun`;
  const comparisons = taking.filter(({ name }) => name !== 'tsrun').flatMap(({ row, name }) => [toEnd, onDisk].flatMap((until) => (
    compareRows(samples, `${row}, ${until}`, `${tsrun}, ${until}`, { name: `${row} / tsrun, ${until}`, ...goalOf(name) }))));
  const rows = rowsOf(samples);
  const order = taking.flatMap(({ row }) => rows.filter(({ name }) => name.startsWith(`${row}, `)));
  return { rows: order, comparisons, failures: samples.failures };
}

function goalOf(name: string): { goal?: string } {
  if (name === 'umoci unpack') return { goal: '> 1' };
  return name === 'podman pull' ? { goal: '>= 1' } : {};
}

function subject(row: string, words: readonly string[], { disk, layouts }: Places): Subject {
  return {
    start: async () => {
      disk.renew();
      const start = process.hrtime.bigint();
      await runWhole(words, layouts);
      const end = process.hrtime.bigint();
      disk.sync();
      const synced = process.hrtime.bigint();
      return { [`${row}, ${toEnd}`]: Number(end - start), [`${row}, ${onDisk}`]: Number(synced - start) };
    },
  };
}

/** In the folder of the layouts, since podman takes the path of one for a name as well, and names have neither capitals nor hidden folders. */
async function runWhole([program = '', ...words]: readonly string[], folder: string): Promise<void> {
  const child = spawn(program, words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const ended: unknown[] = await once(child, 'close');
  if (ended[0] !== 0) throw new Error(`${words.filter((word) => !word.includes('=')).slice(0, 2).join(' ')}: ${complaint.trim()}`);
}
