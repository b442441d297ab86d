/** The list of `tsrun top` as lines of a screen: a function of rows, state and size. */
import { displayWidth, type Paint } from '../output.js';
import { bar, ends, harmless, padEnd, padStart } from './cells.js';
import { columns, percent, type TopColumn } from './columns.js';
import { selectedIndex, type TopState } from './keys.js';
import type { TopRow } from './rows.js';
import { sortKeys, type SortKey } from './sort-keys.js';

export interface Size {
  readonly rows: number;
  readonly columns: number;
}

export interface ListView {
  readonly state: TopState;
  /** Filtered and sorted. */
  readonly rows: readonly TopRow[];
  /** How many there are without the filter. */
  readonly total: number;
}

const markWidth = 2;
/** Seen without colours, too. */
const mark = (isSelected: boolean, width: number) => (width <= markWidth ? '' : isSelected ? '▸ ' : '  ');
const gap = '  ';
const roomForName = 16;

/** What is not of a list of rows, and from how many lines on there is room for it. */
const furniture = { title: 3, footer: 4, head: 2 } as const;

const has = (part: keyof typeof furniture, { rows }: Size) => (rows >= furniture[part] ? 1 : 0);

/** Rows that fit. */
export function pageOf(size: Size): number {
  return Math.max(0, size.rows - has('title', size) - has('footer', size) - has('head', size));
}

export function listLines(view: ListView, size: Size, paint: Paint): readonly string[] {
  if (size.rows <= 0 || size.columns <= 0) return [];
  const page = pageOf(size);
  const at = selectedIndex(view.state, view.rows.map(({ name }) => name));
  const first = Math.max(0, Math.min(at - Math.floor(page / 2), view.rows.length - page));
  const shown = view.rows.slice(first, first + page);
  const laid = layOut(shown, size.columns);
  const body = shown.map((row, index) => line(row, laid, mark(first + index === at, size.columns), paint));
  if (shown.length === 0 && page > 0) body.push(harmless(view.total === 0 ? 'nothing runs: tsrun run starts a container, tsrun up an app' : `nothing is called ${view.state.filter}`, size.columns));
  while (body.length < page) body.push('');
  return [
    ...(has('title', size) === 1 ? [paint('bold', title(view, size.columns))] : []),
    ...(has('head', size) === 1 ? [mark(false, size.columns) + head(laid, view.state, paint)] : []),
    ...body,
    ...(has('footer', size) === 1 ? [footer(view.state, size.columns, paint)] : []),
  ];
}

function title({ rows, total, state: { filter } }: ListView, width: number): string {
  const dynos = rows.filter(({ dyno }) => dyno !== undefined).length;
  const counted = [[rows.length - dynos, 'container'], [dynos, 'dyno']] as const;
  const words = counted.map(([count, noun]) => `${count} ${noun}${count === 1 ? '' : 's'}`).join(', ');
  const cpu = rows.reduce((sum, { cpuPercent = 0 }) => sum + cpuPercent, 0);
  return ends(`tsrun top  ${words}`, `${filter === '' ? '' : `${rows.length} of ${total}  `}cpu ${percent(cpu)}`, width);
}

function footer({ filter, isTyping }: TopState, width: number, paint: Paint): string {
  if (isTyping) return harmless(`filter: ${filter}▏`, width);
  const text = filter === '' ? '↑↓ select  ⏎ open  s sort  r reverse  / filter  q quit' : `filter: ${filter}  esc all  ⏎ open  q quit`;
  return paint('dim', harmless(text, width));
}

interface Laid {
  readonly key: SortKey;
  readonly column: TopColumn;
  readonly width: number;
  readonly barWidth: number;
}

/** Columns as far as they fit, the name with all that is left. */
function layOut(shown: readonly TopRow[], width: number): readonly Laid[] {
  const widest = (key: 'name' | 'state') => Math.max(columns[key].width, ...shown.map((row) => displayWidth(harmless(columns[key].text(row), width))));
  const nameWidth = widest('name');
  let left = width - markWidth - Math.min(nameWidth, roomForName);
  const others: Laid[] = [];
  for (const key of sortKeys) {
    const column = columns[key];
    if (key === 'name') continue;
    const barWidth = column.bar?.width ?? 0;
    const ownWidth = Math.max(displayWidth(column.title) + 1, key === 'state' ? widest('state') : column.width) + (barWidth === 0 ? 0 : barWidth + 1);
    // What is behind one that does not fit would stand where nobody looks for it.
    if (ownWidth + gap.length > left) break;
    left -= ownWidth + gap.length;
    others.push({ key, column, width: ownWidth, barWidth });
  }
  const used = others.reduce((sum, each) => sum + each.width + gap.length, width <= markWidth ? 0 : markWidth);
  return [{ key: 'name', column: columns.name, width: Math.max(0, Math.min(nameWidth, width - used)), barWidth: 0 }, ...others];
}

function head(laid: readonly Laid[], { sort, isReversed }: TopState, paint: Paint): string {
  return laid.map(({ key, column: { title: text, isNumber }, width }) => {
    const marked = key !== sort ? text : isNumber ? `${isReversed ? '▲' : '▼'}${text}` : `${text}${isReversed ? '▲' : '▼'}`;
    const cell = harmless(marked, width);
    return paint('bold', isNumber ? padStart(cell, width) : padEnd(cell, width));
  }).join(gap);
}

function line(row: TopRow, laid: readonly Laid[], marked: string, paint: Paint): string {
  const cells = laid.map(({ column, width, barWidth }) => {
    const text = harmless(column.text(row), barWidth === 0 ? width : width - barWidth - 1);
    const drawn = barWidth === 0 ? '' : `${bar(column.bar?.share(row), barWidth)} `;
    const cell = drawn + (column.isNumber ? padStart(text, width - displayWidth(drawn)) : padEnd(text, width));
    const style = column.style?.(row);
    return style === undefined ? cell : paint(style, cell);
  });
  const whole = marked + cells.join(gap);
  return marked.trim() === '' ? whole : paint('inverse', whole);
}
