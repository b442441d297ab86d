/** What `look` says of a path, checked: who says it runs beside what a container holds. */
import { TsrunError } from '../../spec/errors.js';
import type { JsonObject } from '../../spec/json.js';

/** What lies at a path; of what is missing, what the folder is in which it would lie. */
export type Seen =
  | { readonly type: 'missing'; readonly parent: 'folder' | 'missing' | 'other' }
  | { readonly type: 'link'; readonly target: string }
  /** There or not, it is in what the kernel shows of itself (/proc, /sys). */
  | { readonly type: 'kernel' }
  | { readonly type: 'folder' | 'file' | 'other' };

export function seenIn({ type, parent, target }: JsonObject): Seen {
  if (type === 'folder' || type === 'file' || type === 'kernel') return { type };
  if (type === 'missing') return { type, parent: parent === 'folder' || parent === 'missing' ? parent : 'other' };
  if (type === 'link' && typeof target === 'string') return { type, target: Buffer.from(target, 'latin1').toString('utf8') };
  if (typeof type === 'string') return { type: 'other' };
  throw new TsrunError('ERR_TSRUN_COPY', 'the program that looks into the tree did not say what it had seen');
}
