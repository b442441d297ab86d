/** `tsrun history` */
import type { ImageDetails } from '../index.js';
import { shortDigest } from './image-names.js';
import { withStoredImages } from './image-work.js';
import type { Invocation } from './invocation.js';
import { ago, cut, escapeControl, humanSize, painter, renderJson, renderTable, type Column } from './output.js';

const columns: readonly Column[] = [
  { title: 'LAYER', style: (cell) => (cell === none ? 'dim' : 'yellow') },
  { title: 'CREATED' },
  { title: 'CREATED BY' },
  { title: 'SIZE', align: 'right' },
  { title: 'COMMENT' },
];
const none = '-';

export interface HistoryRow {
  /** Of the layer that the step made; absent of a step that made none. */
  readonly diffId?: string;
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
  readonly unpackedBytes: number;
}

export async function run(invocation: Invocation): Promise<number> {
  const { flags: { json = false, quiet = false, noTrunc = false }, options: { platform }, positionals: [reference = ''], stdout, env } = invocation;
  const rows = historyOf(await withStoredImages(invocation, (images) => images.inspect(reference, { ...(platform !== undefined && { platform }) })));
  if (json) stdout.write(renderJson(rows));
  else if (quiet) for (const { diffId } of rows) stdout.write(`${diffId === undefined ? none : noTrunc ? diffId : shortDigest(diffId)}\n`);
  else stdout.write(renderTable(columns, rows.map((row) => cells(row, noTrunc, Date.now())), { paint: painter(stdout, env), width: stdout.isTTY === true && !noTrunc ? stdout.columns : undefined }));
  return 0;
}

/** The last step first. Layers beyond what the history tells of are there all the same. */
export function historyOf({ config, layerDetails }: Pick<ImageDetails, 'config' | 'layerDetails'>): HistoryRow[] {
  const layers = [...layerDetails];
  const steps = (config.history ?? []).map(({ created, created_by: createdBy, comment, empty_layer: isEmpty }): HistoryRow => {
    const layer = isEmpty === true ? undefined : layers.shift();
    return {
      ...(layer !== undefined && { diffId: layer.diffId }),
      ...(created !== undefined && { created }),
      ...(createdBy !== undefined && { createdBy }),
      ...(comment !== undefined && { comment }),
      unpackedBytes: layer?.unpackedBytes ?? 0,
    };
  });
  return [...steps, ...layers.map(({ diffId, unpackedBytes }) => ({ diffId, unpackedBytes }))].reverse();
}

const longestCommand = 45;

function cells({ diffId, created, createdBy = '', comment = '', unpackedBytes }: HistoryRow, noTrunc: boolean, nowMs: number): string[] {
  const ms = created === undefined ? Number.NaN : Date.parse(created);
  return [
    diffId === undefined ? none : noTrunc ? diffId : shortDigest(diffId),
    Number.isNaN(ms) ? '' : ago(nowMs - ms),
    noTrunc ? createdBy : cut(escapeControl(createdBy), longestCommand),
    humanSize(unpackedBytes),
    comment,
  ];
}
