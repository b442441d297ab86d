/** `resources.unified`: cgroup v2 files by name, and those who may not be written that way. */
import { pointer } from '../spec/quote.js';
import type { Resources } from '../spec/types.js';
import { invalidLimit, type LimitWrite } from './limit-types.js';

const FIELD = '/linux/resources/unified';

/** Of the core's files only these bound something; the others would move, kill, freeze or reshape. */
const coreLimits: ReadonlySet<string> = new Set(['cgroup.max.depth', 'cgroup.max.descendants', 'cgroup.pressure']);

export function unifiedWrites(unified: NonNullable<Resources['unified']>): LimitWrite[] {
  return Object.entries(unified).flatMap(([file, value]) => {
    const field = pointer(FIELD, file);
    const controller = checkName(file, field);
    if (value.includes('\0')) throw invalidLimit(field, value, 'text without NUL');
    // files such as io.max take one line a write
    const lines = value.split('\n').filter((line) => line.trim() !== '');
    // A write of nothing would be no write, and so no limit.
    if (lines.length === 0) throw invalidLimit(field, value, 'text that is not empty');
    checkNumbers(file, lines, field);
    return lines.map((line) => ({ file, value: line, field, controller }));
  });
}

/** A form that the kernel reads, for the files of one number each; it trims what is written there. */
const numbers: readonly { readonly files: RegExp; readonly form: RegExp; readonly allowed: string }[] = [
  {
    files: /^(?:memory\.(?:min|low|high|max|swap\.high|swap\.max|zswap\.max)|hugetlb\.\w+(?:\.rsvd)?\.max)$/,
    form: /^(?:max|(?:0[xX][\da-fA-F]+|\d+)[kKmMgGtTpPeE]?)$/,
    allowed: 'max, or a number of bytes, with k, m, g, t, p or e behind it if you like',
  },
  { files: /^(?:pids\.max|cgroup\.max\.(?:depth|descendants))$/, form: /^(?:max|0[xX][\da-fA-F]+|\d+)$/, allowed: 'max, or a number' },
];

/** Of a wrong value the kernel says no more than EINVAL, when the cgroup is there already. */
function checkNumbers(file: string, lines: readonly string[], field: string): void {
  const known = numbers.find(({ files }) => files.test(file));
  const wrong = known === undefined ? undefined : lines.find((line) => !known.form.test(line.trim()));
  if (known !== undefined && wrong !== undefined) throw invalidLimit(field, wrong, known.allowed);
}

/** The controller that the file belongs to. */
function checkName(file: string, field: string): string {
  if (!/^[a-z_]+\.[A-Za-z0-9_.]+$/.test(file)) {
    throw invalidLimit(field, file, "the name of a cgroup v2 file, e.g. 'memory.high'");
  }
  const controller = file.slice(0, file.indexOf('.'));
  if (controller === 'cgroup' && !coreLimits.has(file)) {
    throw invalidLimit(field, file, `of the core's own files only ${[...coreLimits].join(', ')}`);
  }
  if (file.endsWith('.pressure') && controller !== 'cgroup') {
    throw invalidLimit(field, file, 'a limit; a pressure trigger lives only as long as the descriptor that wrote it');
  }
  return controller;
}
