/** `tsrun ps` */
import { recordedContainers, type ContainerSummary } from '../index.js';
import { familiarName } from './image-names.js';
import type { Invocation } from './invocation.js';
import { ago, humanDuration, painter, quote, renderJson, renderTable, type Column } from './output.js';
import { tell } from './tell.js';

const columns: readonly Column[] = [
  { title: 'CONTAINER' },
  { title: 'IMAGE' },
  { title: 'COMMAND' },
  { title: 'CREATED' },
  { title: 'STATUS', style: (cell) => (cell.startsWith('Up') ? (cell.endsWith(')') ? 'yellow' : 'green') : undefined) },
];

/** Newest first. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, stdout, stderr, env } = invocation;
  if (flags.appName !== undefined) return (await import('./app-ps.js')).listDynos(invocation);
  const containers = recordedContainers();
  for (const id of containers.unreadable()) tell(stderr, `tsrun: warning: the record of ${quote(id)} is damaged, or of another version of tsrun: tsrun rm -f removes it\n`);
  const shown = containers
    .list()
    .filter(({ state }) => flags.all === true || state !== 'stopped')
    .sort((a, b) => b.record.createdAtMs - a.record.createdAtMs || (a.id < b.id ? -1 : 1));
  if (flags.json === true) stdout.write(renderJson(shown.map(summaryJson)));
  else if (flags.quiet === true) for (const { id } of shown) stdout.write(`${id}\n`);
  else stdout.write(renderTable(columns, shown.map((each) => row(each, Date.now())), { paint: painter(stdout, env) }));
  return 0;
}

export function row(summary: ContainerSummary, nowMs: number): readonly string[] {
  const { id, record } = summary;
  return [id, familiarName(record.image), shorten(commandOf(summary).join(' ')), ago(nowMs - record.createdAtMs), status(summary, nowMs)];
}

export function status({ state, pid, exit, endedAtMs, record }: ContainerSummary, nowMs: number): string {
  if (state === 'stopped') {
    const cause = exit?.cause === 'oom' ? ', out of memory' : '';
    const since = endedAtMs === undefined ? '' : ` ${humanDuration(nowMs - endedAtMs)} ago`;
    return `Exited (${exit?.code ?? '?'}${cause})${since}`;
  }
  if (state === 'created') return 'Created';
  if (pid === undefined) return 'Starting';
  return `Up ${humanDuration(nowMs - record.createdAtMs)}${state === 'paused' ? ' (paused)' : ''}`;
}

export function summaryJson(summary: ContainerSummary) {
  const { id, state, pid, exit, endedAtMs, record } = summary;
  return {
    id,
    image: record.image,
    ...(record.imageDigest !== undefined && { imageDigest: record.imageDigest }),
    command: commandOf(summary),
    state,
    ...(pid !== undefined && { pid }),
    createdAt: new Date(record.createdAtMs).toISOString(),
    ...(endedAtMs !== undefined && { endedAt: new Date(endedAtMs).toISOString() }),
    labels: record.labels,
    ...(exit !== undefined && { exit }),
  };
}

function commandOf({ record }: ContainerSummary): readonly string[] {
  return record.spec.process?.args ?? [];
}

const longestCommand = 30;

/** By characters, so that none is cut in two. */
function shorten(command: string): string {
  const characters = Array.from(command);
  return characters.length <= longestCommand ? `"${command}"` : `"${characters.slice(0, longestCommand - 1).join('')}…"`;
}
