/** `tsrun layers` */
import { TsrunError, type ImageChanges, type ImageDetails, type LayerChanges } from '../index.js';
import { shortDigest } from './image-names.js';
import { withStoredImages } from './image-work.js';
import { interruptible } from './interruption.js';
import type { CommandFlags, Invocation } from './invocation.js';
import { humanSize, painter, renderJson, renderTable, type Column, type Paint } from './output.js';

const columns: readonly Column[] = [
  { title: 'LAYER', style: () => 'yellow' },
  { title: 'SIZE', align: 'right' },
  { title: 'ADDED', align: 'right', style: (cell) => (cell === '-' ? 'dim' : 'green') },
  { title: 'CHANGED', align: 'right', style: (cell) => (cell === '-' ? 'dim' : 'cyan') },
  { title: 'REMOVED', align: 'right', style: (cell) => (cell === '-' ? 'dim' : 'magenta') },
  { title: 'WASTED', align: 'right', style: (cell) => (cell === '-' ? 'dim' : 'red') },
  { title: 'CREATED BY' },
];
const wastedColumns: readonly Column[] = [{ title: 'WASTED', align: 'right', style: () => 'red' }, { title: 'TIMES', align: 'right' }, { title: 'PATH' }];

/** What an image is judged by; a threshold that nobody named holds as dive has it. */
const defaultEfficiency = 0.9;
const defaultUserWasted = 0.1;

export async function run(invocation: Invocation): Promise<number> {
  const { flags, options: { platform }, positionals: [reference = ''], stdout, env } = invocation;
  if (flags.ci !== true) refuseThresholds(flags);
  const { details, changes } = await withStoredImages(invocation, (images) => interruptible(async (signal) => {
    const look = { signal, ...(platform !== undefined && { platform }) };
    return { details: await images.inspect(reference, look), changes: await images.changes(reference, look) };
  }));
  const verdicts = flags.ci === true ? judge(changes, flags) : [];
  const passed = verdicts.every(({ pass }) => pass);
  if (flags.json === true) stdout.write(renderJson({ ...layersJson(details, changes), ...(flags.ci === true && { passed, verdicts }) }));
  else stdout.write(renderLayers(details, changes, { paint: painter(stdout, env), top: flags.top ?? 10, width: stdout.isTTY === true ? stdout.columns : undefined }) + renderVerdicts(verdicts, painter(stdout, env)));
  return passed ? 0 : 1;
}

/** Who names a threshold wants to be told: without `--ci` nobody would be. */
function refuseThresholds({ lowestEfficiency, highestWastedBytes, highestUserWastedRatio }: CommandFlags): void {
  if (lowestEfficiency === undefined && highestWastedBytes === undefined && highestUserWastedRatio === undefined) return;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'a threshold says nothing without --ci', { hint: 'add --ci, which judges the image by it' });
}

function layersJson({ digest, names, layerDetails }: ImageDetails, { layers, ...totals }: ImageChanges) {
  return {
    digest,
    names,
    ...totals,
    layers: layers.map((layer, index) => {
      const { diffId, createdBy } = layerDetails[index] ?? {};
      return { diffId, ...(createdBy !== undefined && { createdBy }), ...layer };
    }),
  };
}

export interface LayersView {
  readonly paint: Paint;
  /** Wasted paths to show. */
  readonly top: number;
  readonly width: number | undefined;
}

/** The lowest layer first, as they were laid. */
export function renderLayers({ layerDetails }: Pick<ImageDetails, 'layerDetails'>, changes: ImageChanges, { paint, top, width }: LayersView): string {
  const rows = changes.layers.map((layer, index) => row(layer, layerDetails[index]?.diffId ?? '', layerDetails[index]?.createdBy ?? ''));
  const totals = `${humanSize(changes.bytes)} in ${changes.layers.length} ${changes.layers.length === 1 ? 'layer' : 'layers'}, ${humanSize(changes.wastedBytes)} of it wasted; efficiency ${percent(changes.efficiency)}`;
  const wasted = changes.wasted.filter(({ bytes }) => bytes > 0).slice(0, top).map(({ bytes, times, path }) => [humanSize(bytes), String(times), path]);
  const table = wasted.length === 0 ? '' : `\n${renderTable(wastedColumns, wasted, { paint, width })}`;
  return `${renderTable(columns, rows, { paint, width })}\n${paint('bold', totals)}\n${table}`;
}

function row({ bytes, added, changed, removed, wastedBytes }: LayerChanges, diffId: string, createdBy: string): string[] {
  const count = (number: number) => (number === 0 ? '-' : String(number));
  return [shortDigest(diffId), humanSize(bytes), count(added), count(changed), count(removed), wastedBytes === 0 ? '-' : humanSize(wastedBytes), createdBy];
}

export interface Verdict {
  readonly rule: 'lowestEfficiency' | 'highestWastedBytes' | 'highestUserWastedPercent';
  readonly value: number;
  readonly threshold: number;
  readonly pass: boolean;
}

export function judge({ efficiency, wastedBytes, userWastedRatio }: ImageChanges, flags: CommandFlags): Verdict[] {
  const { lowestEfficiency = defaultEfficiency, highestWastedBytes, highestUserWastedRatio = defaultUserWasted } = flags;
  return [
    { rule: 'lowestEfficiency', value: efficiency, threshold: lowestEfficiency, pass: efficiency >= lowestEfficiency },
    ...(highestWastedBytes === undefined ? [] : [{ rule: 'highestWastedBytes', value: wastedBytes, threshold: highestWastedBytes, pass: wastedBytes <= highestWastedBytes } as const]),
    { rule: 'highestUserWastedPercent', value: userWastedRatio, threshold: highestUserWastedRatio, pass: userWastedRatio <= highestUserWastedRatio },
  ];
}

export function renderVerdicts(verdicts: readonly Verdict[], paint: Paint): string {
  if (verdicts.length === 0) return '';
  const lines = verdicts.map(({ rule, value, threshold, pass }) => {
    const [has, limit] = rule === 'highestWastedBytes' ? [humanSize(value), humanSize(threshold)] : [percent(value), percent(threshold)];
    return `${pass ? paint('green', 'PASS') : paint('red', 'FAIL')}: ${rule} (${has}, threshold ${limit})`;
  });
  const passed = verdicts.every(({ pass }) => pass);
  return `\n${lines.join('\n')}\nResult: ${passed ? paint('green', 'PASS') : paint('red', 'FAIL')}\n`;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)}%`;
}
