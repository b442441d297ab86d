/** `tsrun ps --app`: the dynos of an app. */
import type { DynoSummary } from '../index.js';
import { chosenApp, reachApp } from './apps.js';
import type { Invocation } from './invocation.js';
import { humanDuration, painter, renderJson, renderTable, type Column } from './output.js';

const columns: readonly Column[] = [
  { title: 'DYNO' },
  { title: 'STATUS', style: (cell) => (cell.startsWith('up') ? 'green' : cell.startsWith('crashed') ? 'red' : 'yellow') },
  { title: 'PID' },
  { title: 'COMMAND' },
];

export async function listDynos({ flags, stdout, env }: Invocation): Promise<number> {
  const app = await reachApp(chosenApp(flags));
  const dynos = [...(await app.dynos()), ...(await app.oneOffs())];
  if (flags.json === true) stdout.write(renderJson(dynos.map(dynoJson)));
  else if (flags.quiet === true) for (const { name } of dynos) stdout.write(`${name}\n`);
  else stdout.write(renderTable(columns, dynos.map((dyno) => [dyno.name, dynoStatus(dyno, Date.now()), String(dyno.pid ?? ''), dyno.command]), { paint: painter(stdout, env) }));
  return 0;
}

export function dynoStatus({ state, sinceMs, crashes, nextRestartAtMs, lastDeath }: DynoSummary, nowMs: number): string {
  const since = `${state} ${humanDuration(Math.max(0, nowMs - sinceMs))}`;
  if (state !== 'crashed' || lastDeath === undefined) return since;
  const next = nextRestartAtMs === undefined ? 'stays down' : `again in ${humanDuration(Math.max(0, nextRestartAtMs - nowMs))}`;
  return `${since} (${lastDeath.cause} ${lastDeath.code}, crash ${crashes}, ${next})`;
}

function dynoJson({ sinceMs, nextRestartAtMs, ...dyno }: DynoSummary) {
  return { ...dyno, since: new Date(sinceMs).toISOString(), ...(nextRestartAtMs !== undefined && { nextRestartAt: new Date(nextRestartAtMs).toISOString() }) };
}
