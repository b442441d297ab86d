/** `tsrun explain` */
import { explain, type ExplainedStep, type Explanation, type RunOptions } from '../index.js';
import { runtimeOptions } from './containers.js';
import { difference, type Change } from './difference.js';
import type { Invocation, ParsedArguments } from './invocation.js';
import { painter, quote, renderJson, renderTable, type Column, type Paint } from './output.js';
import { backgroundStreams } from './program/streams.js';
import { tell } from './tell.js';

const columns: readonly Column[] = [
  { title: '#', align: 'right', style: () => 'dim' },
  { title: 'WHERE', style: () => 'dim' },
  { title: 'STEP', style: () => 'cyan' },
  { title: 'FROM', style: (cell) => (cell === 'default' || cell === 'stand-in' ? 'dim' : 'yellow') },
  { title: 'WITH' },
];

export async function run(invocation: Invocation): Promise<number> {
  const { flags, second, stdout, env } = invocation;
  const paint = painter(stdout, env);
  const explanation = await explainArguments(invocation);
  warn(explanation, invocation);
  if (second === undefined) {
    const { steps, warnings, standIn, record: { image, imageDigest } } = explanation;
    const json = { image, ...(imageDigest !== undefined && { imageDigest }), steps, warnings, ...(standIn !== undefined && { standIn }) };
    stdout.write(flags.json === true ? renderJson(json) : renderSteps(steps, paint));
    return 0;
  }
  const changes = difference(explanation.steps, (await explainArguments(second)).steps, keyOf);
  stdout.write(flags.json === true ? renderJson(changes.map(({ sign, item }) => ({ change: sign, ...item }))) : renderChanges(changes, paint));
  return 0;
}

async function explainArguments(parsed: ParsedArguments): Promise<Explanation> {
  return explain(parsed.positionals[0] ?? '', optionsToExplain(parsed), runtimeOptions(parsed.flags));
}

/** As `run` has them when it is started at a terminal, whatever this output goes to. */
export function optionsToExplain({ flags, options }: Pick<ParsedArguments, 'flags' | 'options'>): RunOptions {
  const { interactive = false } = flags;
  if (flags.detach === true) return { ...options, ...backgroundStreams(interactive) };
  if (flags.tty === true) return { ...options, log: true };
  return { ...options, stdin: interactive ? 'pipe' : 'ignore', log: true };
}

function warn({ warnings, standIn, record: { image, imageDigest } }: Explanation, { stderr, env }: Invocation): void {
  const paint = painter(stderr, env);
  for (const warning of warnings) tell(stderr, `${paint('yellow', 'tsrun: warning:')} ${warning}\n`);
  if (imageDigest !== undefined) tell(stderr, `${paint('dim', 'tsrun: note:')} image ${quote(image)}, ${imageDigest}\n`);
  if (standIn !== undefined) tell(stderr, `${paint('dim', 'tsrun: note:')} no program is named: ${standIn} stands in for it\n`);
}

export function renderSteps(steps: readonly ExplainedStep[], paint: Paint): string {
  return renderTable(columns, steps.map(cells), { paint });
}

/** Lines with `-` are steps of the first set alone, those with `+` of the second. */
export function renderChanges(changes: readonly Change<ExplainedStep>[], paint: Paint): string {
  if (changes.length === 0) return '';
  const rows = changes.map(({ sign, item }) => [sign, ...cells(item)]);
  const [, ...lines] = renderTable([{ title: '' }, ...columns], rows).trimEnd().split('\n');
  return lines.map((line) => `${paint(line.startsWith('-') ? 'red' : 'green', line)}\n`).join('');
}

function cells({ index, where, step, field, arguments: words }: ExplainedStep): string[] {
  return [String(index), where, step, field, Object.entries(words).map(([name, value]) => `${name}=${argument(value)}`).join('  ')];
}

/** What holds the two blanks that part arguments, or is empty, is put in quotes. */
function argument(value: string): string {
  return value === '' || value.includes('  ') ? quote(value) : value;
}

/** The record changes with every flag; whether the same is done does not. */
function keyOf({ step, arguments: words }: ExplainedStep): string {
  return JSON.stringify([step, Object.entries(words).filter(([name]) => name !== 'record')]);
}
