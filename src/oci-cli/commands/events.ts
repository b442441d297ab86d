import { parseFlat } from '../../cgroup/stats.js';
import { systemReader } from '../../host/reader.js';
import { awaitChange, isEmpty, lookForChanges } from '../cgroups.js';
import type { Command } from '../command.js';
import { containerStats } from '../container-stats.js';
import { readDuration } from '../duration.js';
import { jsonText } from '../json-text.js';
import { print } from '../log.js';
import { existsSync } from '../platform/fs.js';
import { RuntimeError } from '../runtime-error.js';
import { StateFolder } from '../state.js';
import { statusOf } from '../status.js';
import { textOf, type Words } from '../words.js';

/** A second notice within 10 ms is held back so long, and never comes when the cgroup is removed meanwhile (CGROUP_FILE_NOTIFY_MIN_INTV). */
const heldBackMs = 20;

export const events: Command = {
  says: 'print what a container uses, again and again, and each kill for want of memory',
  usage: '<container-id>',
  flags: {
    interval: { kind: 'text', says: 'time between two prints of what it uses, 1m30s (default: 5s)' },
    stats: { kind: 'flag', says: 'print what it uses now, once' },
  },
  argumentCount: 1,
  run: ({ settings }, words) => {
    const intervalMs = intervalOf(words);
    const folder = new StateFolder(settings.root, words.rest[0] ?? '');
    const record = folder.read();
    const status = statusOf(folder, record);
    if (status === 'stopped' || status === 'creating') throw new RuntimeError(`container with id ${record.id} is not running`);
    if (record.cgroup === '') throw new RuntimeError(`container ${record.id} has no cgroup that counts what it uses`);
    if (words.flags.has('stats')) tell('stats', record.id, containerStats(record.cgroup));
    else follow(record.id, record.cgroup, intervalMs);
    return 0;
  },
};

function intervalOf(words: Words): number {
  const text = textOf(words, 'interval') ?? '5s';
  const intervalMs = readDuration(text);
  if (intervalMs === undefined) throw new RuntimeError(`invalid value ${JSON.stringify(text)} for flag -interval: parse error`);
  if (intervalMs <= 0) throw new RuntimeError('duration interval must be greater than 0');
  return intervalMs;
}

/** Until nobody lives in it any more, or it is gone. In between it sleeps: the kernel tells of kills and of the end (poll(2), POLLPRI). */
function follow(id: string, cgroup: string, intervalMs: number): void {
  let killed = killsIn(cgroup);
  let next = Date.now() + intervalMs;
  let mayLackOne = false;
  for (;;) {
    const seen = lookForChanges([`${cgroup}/cgroup.events`, `${cgroup}/memory.events`]);
    const now = killsIn(cgroup);
    for (; killed < now; killed += 1) tell('oom', id);
    const ended = isEmpty(cgroup) || !existsSync(cgroup);
    mayLackOne = awaitChange(seen, ended ? 0 : Math.min(next - Date.now(), mayLackOne ? heldBackMs : Infinity));
    if (ended) return;
    if (Date.now() < next) continue;
    tell('stats', id, containerStats(cgroup));
    next = Date.now() + intervalMs;
  }
}

/** How many processes were killed for want of memory so far. */
function killsIn(cgroup: string): number {
  return parseFlat(systemReader.read(`${cgroup}/memory.events`) ?? '')['oom_kill'] ?? 0;
}

function tell(type: 'stats' | 'oom', id: string, data?: unknown): void {
  print(1, `${jsonText({ type, id, ...(data !== undefined && { data }) })}\n`);
}
