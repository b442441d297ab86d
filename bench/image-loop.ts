/** What taking large images in takes of the event loop of the process that does it, beside one that does nothing at the same time. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { FakeHosts } from '../test/support/fake-registry.js';
import { RealRegistry, skopeo } from '../test/support/real-registry.js';
import { saveImages } from '../test/support/saved-images.js';
import { FreshDisk } from './fresh-disk.js';
import { makeLayouts } from './images.js';
import { single, type Row, type SectionResult } from './report.js';
import type { Stage } from './stage.js';

interface Case {
  readonly title: string;
  readonly reference: string;
}

const columns = ['took', 'busy', 'p99 of how late', 'p99.9 of how late', 'longest'] as const;
const turnColumns = [['p99.9 of a turn', 'ms'], ['longest turn', 'ms'], ['longer than 1 ms', 'turns']] as const;
const slugFiles = 20_000;
const agent = join(import.meta.dirname, 'image-loop-agent.js');

export async function measureImageLoop(stage: Stage): Promise<SectionResult> {
  const scale = stage.quick ? 0.2 : 1;
  const folder = join(stage.workspace.path, 'loop-images');
  mkdirSync(folder);
  const layouts = makeLayouts(200 * scale);
  const disk = new FreshDisk(stage.workspace.path, stage.quick ? 2 ** 30 : 2 ** 32);
  const hosts = new FakeHosts();
  const certificate = hosts.certificate('bench');
  const registries = [await RealRegistry.start(join(folder, 'plain')), await RealRegistry.start(join(folder, 'tls'), { certificate })] as const;
  try {
    const small = saveImages(join(folder, 'small.tar'), { names: ['bench/small:1'], layers: [stage.workspace.rootfs] });
    const [plain, tls] = registries.map(({ host }) => host);
    skopeo('copy', '--quiet', '--dest-tls-verify=false', `docker-archive:${small}`, `docker://${plain ?? ''}/small:1`);
    skopeo('copy', '--quiet', '--dest-tls-verify=false', `oci:${layouts}/gzip:many`, `docker://${tls ?? ''}/many:1`);
    const bundle = hosts.write('store.pem', `${readFileSync('/etc/ssl/certs/ca-certificates.crt', 'utf8')}\n${certificate.ca}`);
    const smallSlug = makeSlug(join(folder, 'small'), 10, 1000);
    const cases: Case[] = [
      { title: `layout, ${200 * scale} MB`, reference: `oci:${layouts}/gzip:many` },
      { title: `slug, ${100 * scale} MB in ${slugFiles * scale} files`, reference: `slug:${makeSlug(join(folder, 'slug'), slugFiles * scale, 5000)}` },
      { title: `docker-archive, ${1000 * scale} MB`, reference: `docker-archive:${makeArchive(folder, 1000 * scale)}` },
      { title: `pull over TLS, ${200 * scale} MB`, reference: `docker://${tls ?? ''}/many:1` },
    ];
    const warm = [`docker-archive:${small}`, `slug:${smallSlug}`, `docker://${plain ?? ''}/small:1`];
    const rows: Row[] = [];
    for (const { title, reference } of cases) {
      const words = [stage.workspace.stateOf('image-loop'), join(disk.folder, 'store'), ...warm, '--', reference];
      disk.renew();
      rows.push(...(await watchLateness(title, words, { SSL_CERT_FILE: bundle })));
      disk.renew();
      rows.push(...(await watchTurns(title, words, { SSL_CERT_FILE: bundle })));
    }
    const notes = ['how late: of a timer of 1 ms; the same of a process that did nothing at the same time stands below each, as a measure of the machine', 'turns of the event loop, in another run: processor time of the main thread, whatever else the machine does', 'smaller ones of each kind were taken before, so that all code was loaded'];
    return { title: 'image-loop: what taking images in takes of the event loop', rows, comparisons: [], notes };
  } finally {
    for (const registry of registries) await registry.stop();
    hosts.remove();
    disk.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function watchTurns(title: string, words: readonly string[], environment: Readonly<Record<string, string>>): Promise<Row[]> {
  const figures = await figuresOf(start(['turns', ...words], environment));
  return turnColumns.map(([column, unit], index) => single(`${title}: ${column}`, unit, figures[index] ?? Number.NaN));
}

async function watchLateness(title: string, words: readonly string[], environment: Readonly<Record<string, string>>): Promise<Row[]> {
  const idle = start(['lateness', words[0] ?? '', '', '--'], {});
  const working = start(['lateness', ...words], environment);
  const figures = await figuresOf(working);
  idle.stdin?.end();
  const idleFigures = await figuresOf(idle);
  return [
    ...columns.map((column, index) => single(`${title}: ${column}`, 'ms', figures[index] ?? Number.NaN)),
    ...columns.slice(2).map((column, index) => single(`${title}, meanwhile idle: ${column}`, 'ms', idleFigures[index + 2] ?? Number.NaN)),
  ];
}

function start(words: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [agent, ...words], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...environment } });
}

async function figuresOf(child: ChildProcess): Promise<number[]> {
  const said = child.stdout === null ? '' : await text(child.stdout);
  if (child.exitCode === null) await once(child, 'exit');
  const figures: unknown = JSON.parse(said === '' ? '[]' : said);
  return Array.isArray(figures) ? figures.map(Number) : [];
}

/** As Heroku packs them, by GNU tar. */
function makeSlug(folder: string, files: number, bytesEach: number): string {
  const bytes = Buffer.alloc(bytesEach);
  for (let index = 0; index < files; index++) {
    const package_ = join(folder, `app/node_modules/package-${Math.floor(index / 20)}`);
    if (index % 20 === 0) mkdirSync(package_, { recursive: true });
    // Half of it at random, as if it were a text.
    randomFillSync(bytes, 0, bytes.length / 2);
    writeFileSync(join(package_, `file-${index}.js`), bytes);
  }
  writeFileSync(join(folder, 'app/Procfile'), 'web: node server.js\n');
  execFileSync('tar', ['-C', folder, '-czf', `${folder}.tgz`, './app']);
  return `${folder}.tgz`;
}

/** Four layers of one file each. */
function makeArchive(folder: string, megabytes: number): string {
  const layers = Array.from({ length: 4 }, (_, index) => {
    const layer = join(folder, `layer-${index}`);
    mkdirSync(layer);
    const file = openSync(join(layer, 'data'), 'w');
    const piece = randomFillSync(Buffer.alloc(1e6));
    for (let written = 0; written < megabytes / 4; written++) writeSync(file, piece.fill(written, 0, 8));
    closeSync(file);
    return layer;
  });
  return saveImages(join(folder, 'large.tar'), { names: ['bench/large:1'], layers });
}
