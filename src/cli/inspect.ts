/** `tsrun inspect` */
import { isContainerId, recordedContainers, TsrunError, type RecordedContainers } from '../index.js';
import { imageJson } from './image-names.js';
import { withStoredImages } from './image-work.js';
import type { Invocation } from './invocation.js';
import { compareRows, isolationRows, type Difference, type Row } from './isolation-rows.js';
import { displayWidth, escapeControl, painter, quote, renderJson, renderTable, type Paint } from './output.js';
import { summaryJson } from './ps.js';
import { containerNameForm } from './values/basic.js';

export async function run(invocation: Invocation): Promise<number> {
  const { flags, positionals: [id = ''], stdout, env } = invocation;
  const paint = painter(stdout, env);
  if (isOfImage(invocation)) {
    stdout.write(await image(invocation, id));
    return 0;
  }
  const containers = recordedContainers();
  if (flags.diffWith !== undefined) {
    const comparison = compare(containers, id, flags.diffWith);
    stdout.write(flags.json === true ? renderJson(comparison) : renderDifferences(comparison, paint, stdout.columns));
  } else if (flags.isolation === true) {
    const report = containers.isolation(id);
    stdout.write(flags.json === true ? renderJson(report) : renderRows(isolationRows(report), paint));
  } else stdout.write(await everything(invocation, containers, id));
  return 0;
}

/** Who names a platform means an image: containers have this machine's. */
function isOfImage({ flags: { type, diffWith, isolation }, options: { platform } }: Invocation): boolean {
  const mayBe = diffWith === undefined && isolation !== true;
  if (platform === undefined) return mayBe && type === 'image';
  if (mayBe && type !== 'container') return true;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', '--platform says nothing of a container', { hint: 'leave it out' });
}

/** A name may be of both: docker looks among the containers first. */
async function everything(invocation: Invocation, containers: RecordedContainers, id: string): Promise<string> {
  const { type } = invocation.flags;
  if (isContainerId(id)) {
    try {
      return container(containers, id);
    } catch (error) {
      if (type === 'container' || !isMissing(error)) throw error;
    }
  } else if (type === 'container') throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `${quote(id)} cannot be the name of a container`, { hint: `names have ${containerNameForm}` });
  try {
    return await image(invocation, id);
  } catch (error) {
    if (!TsrunError.is(error)) throw error;
    throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no container '${id}', and ${error.message}`, { hint: 'tsrun ps -a and tsrun images list them', cause: error });
  }
}

function isMissing(error: unknown): boolean {
  return TsrunError.is(error) && error.code === 'ERR_TSRUN_NOT_FOUND';
}

function container(containers: RecordedContainers, id: string): string {
  const summary = containers.inspect(id);
  return renderJson({ ...summaryJson(summary), statePath: containers.statePath(id), record: summary.record });
}

async function image(invocation: Invocation, reference: string): Promise<string> {
  const { platform } = invocation.options;
  return withStoredImages(invocation, async (images) => renderJson(imageJson(await images.inspect(reference, { ...(platform !== undefined && { platform }) }))));
}

export interface Comparison {
  readonly left: string;
  readonly right: string;
  readonly differences: readonly Difference[];
}

/** Where nobody says how wide a terminal is. */
const usualWidth = 120;

function compare(containers: RecordedContainers, id: string, other: string): Comparison {
  if (id === other) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `'${id}' is to be compared with itself`, { hint: 'name another container with --diff' });
  const [left, right] = [containers.isolation(id), containers.isolation(other)];
  return { left: id, right: other, differences: compareRows(isolationRows(left), isolationRows(right)) };
}

/** A heading for each section, then its rows with their names aligned. */
export function renderRows(rows: readonly Row[], paint: Paint): string {
  const width = Math.min(28, Math.max(...rows.map(({ name }) => name.length)));
  let last = '';
  return rows.map(({ section, name, text }) => {
    const heading = section === last ? '' : `${last === '' ? '' : '\n'}${paint('bold', section)}\n`;
    last = section;
    return `${heading}  ${paint('cyan', escapeControl(name).padEnd(width))}  ${escapeControl(text)}\n`;
  }).join('');
}

/** Long cells go on in the next line of their column. */
export function renderDifferences({ left, right, differences }: Comparison, paint: Paint, width = usualWidth): string {
  if (differences.length === 0) return '';
  const columns = [{ title: 'WALL' }, { title: left, style: () => 'yellow' as const }, { title: right, style: () => 'cyan' as const }];
  const wall = Math.max(...differences.map((each) => each.wall.length));
  const half = Math.max(narrowest, Math.floor((width - wall - 4) / 2));
  const rows = differences.flatMap((each) => {
    const [mine, theirs] = [wrap(each.left ?? '-', half), wrap(each.right ?? '-', half)];
    return Array.from({ length: Math.max(mine.length, theirs.length) }, (_, line) => [line === 0 ? each.wall : '', mine[line] ?? '', theirs[line] ?? '']);
  });
  return renderTable(columns, rows, { paint });
}

const narrowest = 24;

/** At blanks, so that long lists stand side by side. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(`${line} ${word}`) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
