/** `tsrun top` */
import { setTimeout as delay } from 'node:timers/promises';
import { TsrunError } from '../index.js';
import { chosenApp, reachApp } from './apps.js';
import type { Invocation } from './invocation.js';
import { painter, renderJson, renderTable } from './output.js';
import { sortRows, tableCells, tableColumns } from './top/columns.js';
import { Sampler } from './top/sampler.js';

/** Between the two looks that one sample takes. */
const onceMs = 500;

export async function run(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const isOnce = flags.noStream === true || flags.json === true;
  if (!isOnce) requireScreen(invocation);
  const app = flags.appName === undefined ? undefined : (await reachApp(chosenApp(flags))).name;
  const sampler = new Sampler(app);
  const { sortBy = isOnce ? 'name' : 'cpu', intervalMs = 1000 } = flags;
  if (!isOnce) return new (await import('./top/monitor.js')).Monitor({ sampler, intervalMs, sort: sortBy }, invocation).run();
  await sampler.look();
  await delay(onceMs);
  const rows = sortRows(await sampler.look(), sortBy, false);
  const { stdout, env } = invocation;
  if (flags.json === true) stdout.write(renderJson(rows.map((row) => ({ ...row, logFolder: undefined }))));
  else stdout.write(renderTable(tableColumns, rows.map(tableCells), { paint: painter(stdout, env) }));
  return 0;
}

/** @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT` */
function requireScreen({ stdin, stdout, env }: Invocation): void {
  if (stdin.isTTY === true && stdout.isTTY === true && env['TERM'] !== 'dumb') return;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'there is no terminal to draw on and to type on', { hint: 'tsrun top --no-stream prints one sample, --json the same for programs' });
}
