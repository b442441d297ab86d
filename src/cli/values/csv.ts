import { ValueError } from './value-type.js';

/** The fields of one line of comma-separated values; a field in double quotes may hold commas, and `""` for a quote. */
export function splitCsv(line: string): readonly string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (quoted && character === '"' && line[at + 1] === '"') field += line.charAt(++at);
    else if (character === '"' && (quoted || field === '')) quoted = !quoted;
    else if (character === ',' && !quoted) {
      fields.push(field);
      field = '';
    } else field += character;
  }
  if (quoted) throw new ValueError('a double quote is not closed');
  return [...fields, field];
}
