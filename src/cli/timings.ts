/** `tsrun run --timings`: how long each step of the start took, as bars that stand where it was done. */
import { writeFileSync } from 'node:fs';
import { TsrunError, type Container, type StartTimings, type TimedPart } from '../index.js';
import type { Invocation } from './invocation.js';
import { painter, quote, renderTable, type Column, type Paint, type Style } from './output.js';
import { tell } from './tell.js';

const styles: Readonly<Record<TimedPart['where'], Style>> = { node: 'green', launcher: 'blue', container: 'magenta' };
const barWidth = 40;
/** A cell filled from the left, by eighths. */
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** After what the program printed, on standard error. The picture goes into the working directory. */
export function showTimings({ id, timings }: Container, { flags, stderr, env }: Invocation): void {
  if (timings === undefined) return;
  if (flags.timings === 'chart') tell(stderr, renderChart(timings, painter(stderr, env)));
  if (flags.timings !== 'svg') return;
  const path = `${id}.timings.svg`;
  try {
    writeFileSync(path, renderSvg(id, timings));
  } catch (cause) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `the picture ${quote(path)} cannot be written`, { cause, hint: 'run it in a folder that can be written to' });
  }
  tell(stderr, `tsrun: how long each step of the start took is in ${quote(path)}\n`);
}

export function renderChart({ totalUs, parts }: StartTimings, paint: Paint): string {
  const columns: readonly Column[] = [
    { title: 'START', align: 'right' },
    { title: 'TIME', align: 'right' },
    { title: 'WHERE', style: (cell) => (isWhere(cell) ? styles[cell] : undefined) },
    { title: 'STEP' },
    { title: 'FROM', style: () => 'dim' },
    { title: `0 ${'·'.repeat(barWidth - milliseconds(totalUs).length - 3)} ${milliseconds(totalUs)}` },
  ];
  const rows = parts.map((part) => [milliseconds(part.startUs), milliseconds(part.durationUs), part.where, part.name, part.field ?? '', bar(part, totalUs)]);
  return renderTable(columns, rows, { paint });
}

function isWhere(text: string): text is TimedPart['where'] {
  return text in styles;
}

function milliseconds(us: number): string {
  return `${(us / 1000).toFixed(3)} ms`;
}

/** Where nothing would be seen, a line. */
function bar({ startUs, durationUs }: TimedPart, totalUs: number): string {
  const scale = (barWidth * 8) / Math.max(totalUs, 1);
  const from = Math.min(Math.floor(startUs * scale), barWidth * 8 - 1);
  const length = Math.max(1, Math.round(durationUs * scale));
  const before = Math.floor(from / 8);
  // A cell can be filled from the left only.
  const cells = Math.max(1, Math.round((from % 8) + length));
  return ' '.repeat(before) + '█'.repeat(Math.floor(cells / 8)) + (eighths[cells % 8] ?? '');
}

const colours: Readonly<Record<TimedPart['where'], string>> = { node: '#2f9e44', launcher: '#1c7ed6', container: '#ae3ec9' };
const rowHeight = 16;
const labelWidth = 330;
const chartWidth = 560;
const timeWidth = 80;

export function renderSvg(title: string, { totalUs, parts }: StartTimings): string {
  const top = 44;
  const width = labelWidth + chartWidth + timeWidth;
  const height = top + parts.length * rowHeight + 12;
  const legend = Object.entries(colours).map(([where, colour], index) => `<text x="${labelWidth + index * 90}" y="20" fill="${colour}">■ ${where}</text>`);
  const rows = parts.map((part, index) => svgRow(part, top + index * rowHeight, totalUs));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, monospace" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="8" y="20" font-size="13" fill="#212529">${escapeXml(title)}: ${milliseconds(totalUs)} to start</text>`,
    ...legend,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

function svgRow({ where, name, field = '', startUs, durationUs }: TimedPart, y: number, totalUs: number): string {
  const scale = chartWidth / Math.max(totalUs, 1);
  const x = labelWidth + startUs * scale;
  const width = Math.max(durationUs * scale, 0.75);
  const label = field === '' ? name : `${name}  ${field}`;
  const shown = label.length > 48 ? `${label.slice(0, 47)}…` : label;
  return (
    `<text x="8" y="${y + 11}" fill="#495057">${escapeXml(shown)}</text>` +
    `<rect x="${x.toFixed(2)}" y="${y + 2}" width="${width.toFixed(2)}" height="${rowHeight - 4}" fill="${colours[where]}"/>` +
    `<text x="${(x + width + 4).toFixed(2)}" y="${y + 11}" fill="#868e96">${(durationUs / 1000).toFixed(3)}</text>`
  );
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
