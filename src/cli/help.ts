/** Help as text: of tsrun as a whole, and of one command, made from the tables and fitted to the terminal. */
import type { Command } from './command.js';
import { commands } from './commands.js';
import { groupsOf, isRepeatable, spellings } from './flags.js';
import type { Flag } from './flags/flag.js';
import { displayWidth, type Paint } from './output.js';

export interface HelpStyle {
  /** Cells in a line. */
  readonly width: number;
  readonly paint: Paint;
}

const minimumWidth = 40;
const maximumWidth = 110;

export function helpWidth(columns: number | undefined): number {
  return Math.min(maximumWidth, Math.max(minimumWidth, columns ?? 80));
}

export function renderOverview(style: HelpStyle): string {
  const { paint } = style;
  return [
    wrap('tsrun runs an image as an isolated, limited, disposable container.', style.width, 0),
    '',
    `${paint('bold', 'Usage:')} tsrun COMMAND [flags] [arguments]`,
    '',
    paint('bold', 'Commands:'),
    ...pairLines(commands.map(({ name, summary }) => [name, summary]), style),
    '',
    paint('bold', 'Examples:'),
    ...exampleLines(commands.find(({ name }) => name === 'run')?.examples ?? [], style),
    '',
    wrap('tsrun COMMAND --help shows the flags of a command; tsrun --version the version.', style.width, 0),
    '',
  ].join('\n');
}

export function renderCommandHelp(command: Command, style: HelpStyle): string {
  const { paint } = style;
  const lines = [
    `${paint('bold', 'Usage:')} ${wrap(command.usage, style.width - 7, 7).trimStart()}`,
    '',
    wrap(sentence(command.summary), style.width, 0),
  ];
  if (command.description !== undefined) lines.push(wrap(command.description, style.width, 0));
  for (const [group, flags] of groupsOf(command.name)) {
    lines.push('', paint('bold', `${group}:`), ...pairLines(flags.map((flag) => [flagTerm(flag), flagText(flag)]), style));
  }
  if (command.examples.length > 0) lines.push('', paint('bold', 'Examples:'), ...exampleLines(command.examples, style));
  return `${lines.join('\n')}\n`;
}

/** `-m, --memory BYTES`, the long forms aligned whether or not there is a short one. */
export function flagTerm(flag: Flag): string {
  const names = spellings(flag).join(', ');
  const indented = flag.short === undefined ? `    ${names}` : names;
  return flag.placeholder === '' ? indented : `${indented} ${flag.placeholder}`;
}

/** What a flag does, with its default and whether it may be repeated. */
export function flagText(flag: Flag): string {
  const notes = [...(flag.default === undefined ? [] : [`default: ${flag.default}`]), ...(isRepeatable(flag) ? ['repeatable'] : [])];
  return notes.length === 0 ? flag.help : `${flag.help} (${notes.join('; ')})`;
}

export function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

/** Terms at the left and texts in one column; a term that is too long gets a line of its own. */
function pairLines(pairs: readonly (readonly [string, string])[], { width, paint }: HelpStyle): string[] {
  const longest = Math.max(...pairs.map(([term]) => displayWidth(term)));
  const column = Math.min(longest + 4, Math.floor(width * 0.42));
  return pairs.map(([term, text]) => {
    const wrapped = wrap(text, width - column, column).trimStart();
    const head = `  ${paint('cyan', term)}`;
    const used = displayWidth(term) + 2;
    return used + 2 > column ? `${head}\n${' '.repeat(column)}${wrapped}` : `${head}${' '.repeat(column - used)}${wrapped}`;
  });
}

function exampleLines(examples: Command['examples'], { width, paint }: HelpStyle): string[] {
  return examples.flatMap(({ line, what }) => [`  ${line}`, paint('dim', wrap(what, width - 6, 6))]);
}

/** Words in lines of at most `width` cells, each line `indent` cells in. A word longer than a line stays whole. */
export function wrap(text: string, width: number, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => ' '.repeat(indent) + each).join('\n');
}
