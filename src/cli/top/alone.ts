/** One container or dyno on a screen of its own: figures with their course, and what it has printed beside or below them. */
import { displayWidth, type Paint, type Style } from '../output.js';
import { harmless, padEnd } from './cells.js';
import { columns, levelOf, memoryShare, memoryText, percent } from './columns.js';
import { sparkline, type Course } from './history.js';
import type { Size } from './list.js';
import type { TopRow } from './rows.js';

export interface AloneView {
  readonly row: TopRow;
  /** It has ended since. */
  readonly isGone: boolean;
  readonly course: Course;
  /** Oldest first. */
  readonly log: readonly string[];
}

/** From here on the log stands beside the figures. */
const wide = 100;
const narrowestFigures = 44;
const labelWidth = 11;
const valueWidth = 20;

export function aloneLines(view: AloneView, { rows, columns: width }: Size, paint: Paint): readonly string[] {
  if (rows <= 0 || width <= 0) return [];
  const footer = rows >= 4 ? [paint('dim', harmless('esc back  ↑↓ others  q quit', width))] : [];
  const height = rows - footer.length;
  const body = width >= wide ? beside(view, height, width, paint) : below(view, height, width, paint);
  return [...body, ...Array.from({ length: Math.max(0, height - body.length) }, () => ''), ...footer];
}

function beside(view: AloneView, height: number, width: number, paint: Paint): readonly string[] {
  const figuresWidth = Math.max(narrowestFigures, Math.floor(width * 0.42));
  const logWidth = width - figuresWidth - 3;
  const left = figureLines(view, figuresWidth, paint);
  const right = logLines(view, height, logWidth, paint);
  return Array.from({ length: height }, (_, index) => `${padEnd(left[index] ?? '', figuresWidth)} │ ${right[index] ?? ''}`);
}

function below(view: AloneView, height: number, width: number, paint: Paint): readonly string[] {
  const figures = figureLines(view, width, paint).slice(0, height);
  return [...figures, ...logLines(view, height - figures.length, width, paint)];
}

function logLines({ log, row }: AloneView, height: number, width: number, paint: Paint): readonly string[] {
  if (height <= 0) return [];
  const how = row.dyno === undefined ? row.name : `--app ${row.app ?? ''} -d ${row.dyno}`;
  const shown = height === 1 ? [] : log.slice(1 - height);
  return [paint('bold', harmless(`LOG  tsrun logs -f ${how}`, width)), ...shown.map((text) => harmless(text, width))];
}

function figureLines({ row, isGone, course }: AloneView, width: number, paint: Paint): readonly string[] {
  const { pressurePercent = {}, pids, pidsLimit } = row;
  const pressures = Object.entries(pressurePercent).map(([resource, value]) => `${resource} ${percent(value)}`).join('  ');
  const plain = (label: string, value: string, style?: Style) => {
    const text = harmless(value, width - labelWidth);
    return paint('dim', harmless(label.padEnd(labelWidth), width)) + (style === undefined ? text : paint(style, text));
  };
  const charted = (label: string, value: string, values: readonly number[], most: number, style: Style | undefined) => {
    const shown = padEnd(harmless(value, width - labelWidth), Math.min(valueWidth, Math.max(0, width - labelWidth)));
    const chart = sparkline(values, width - labelWidth - displayWidth(shown) - 1, most);
    return `${paint('dim', harmless(label.padEnd(labelWidth), width))}${shown}${chart === '' ? '' : ` ${style === undefined ? chart : paint(style, chart)}`}`;
  };
  return [
    paint('bold', harmless(row.name, width)),
    plain('state', isGone ? 'ended' : row.state, isGone ? 'red' : columns.state.style?.(row)),
    plain('uptime', columns.uptime.text(row)),
    plain('restarts', columns.restarts.text(row)),
    plain('command', row.command),
    '',
    charted('cpu', percent(row.cpuPercent), course.cpu, 100, columns.cpu.style?.(row)),
    charted('memory', memoryText(row), course.memory, row.memoryLimitBytes ?? 0, levelOf(memoryShare(row))),
    charted('pids', pidsLimit === undefined ? columns.pids.text(row) : `${pids ?? 0} / ${pidsLimit}`, course.pids, 1, undefined),
    charted('pressure', columns.pressure.text(row), course.pressure, 100, columns.pressure.style?.(row)),
    plain('', pressures),
    plain('throttled', columns.throttled.text(row)),
    '',
  ];
}
