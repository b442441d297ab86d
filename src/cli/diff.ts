/** `tsrun diff` */
import type { PathChange } from '../index.js';
import { withRuntime } from './containers.js';
import { interruptible } from './interruption.js';
import type { Invocation } from './invocation.js';
import { escapeControl, painter, renderJson, type Paint, type Style } from './output.js';

/** Docker's letters. */
const letters = { added: 'A', changed: 'C', removed: 'D' } as const;
const styles: Readonly<Record<PathChange['kind'], Style>> = { added: 'green', changed: 'cyan', removed: 'red' };

export async function run({ flags, positionals: [id = ''], stdout, env }: Invocation): Promise<number> {
  const changes = await withRuntime(async (runtime) => interruptible(async (signal) => runtime.changes(id, { signal })), flags);
  stdout.write(flags.json === true ? renderJson(changes) : renderChanges(changes, painter(stdout, env)));
  return 0;
}

/** By path, as they come. */
export function renderChanges(changes: readonly PathChange[], paint: Paint): string {
  return changes.map(({ kind, path }) => `${paint(styles[kind], letters[kind])} ${escapeControl(path)}\n`).join('');
}
