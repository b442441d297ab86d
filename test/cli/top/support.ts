/** What is seen of containers, as tests of `tsrun top` make it up. */
import type { AppDyno, Sight, TopRow } from '../../../src/cli/top/rows.js';
import type { ContainerStats, ContainerUse } from '../../../src/index.js';

export const plain = (_style: string, text: string): string => text;

export const nowMs = Date.UTC(2026, 0, 31, 12);

export function useOf(id: string, { stats, state = 'running', atMs = 1000, createdAtMs = nowMs - 65_000, log = false }: { readonly stats?: ContainerStats; readonly state?: ContainerUse['summary']['state']; readonly atMs?: number; readonly createdAtMs?: number; readonly log?: boolean } = {}): ContainerUse {
  return {
    summary: {
      id, state, pid: 42,
      record: {
        version: 1, id, image: 'app', createdAtMs, bootId: 'b', launcher: 'l', cgroup: '/x', rootPath: '/images/app', stopSignal: 15, stopTimeoutMs: 10_000, labels: {},
        extensions: { ...(log && { log: { maxBytes: 1 } }) }, defaultSeccomp: true,
        spec: { ociVersion: '1.3.0', process: { user: { uid: 0, gid: 0 }, args: ['node', 'server.js'], cwd: '/' } },
      },
    },
    folder: `/run/${id}`, atMs, ...(stats !== undefined && { stats }),
  };
}

export function cpu(usageUs: number, throttling?: { readonly periods: number; readonly throttledPeriods: number }): ContainerStats {
  return { cpu: { usageUs, userUs: 0, systemUs: 0, ...(throttling !== undefined && { throttling: { ...throttling, throttledUs: 0, bursts: 0, burstUs: 0 } }) }, pressure: {} };
}

export function crashedDyno(app: string, type: string): AppDyno {
  return { app, name: `${type}.1`, type, number: 1, state: 'crashed', sinceMs: nowMs, command: 'job', crashes: 2, restarts: 3 };
}

export function dyno(app: string, type: string, number = 1): AppDyno {
  return { ...crashedDyno(app, type), name: `${type}.${number}`, number, state: 'up', crashes: 0, container: `${app}.${type}.${number}` };
}

export function sight(uses: readonly ContainerUse[], more: Partial<Sight> = {}): Sight {
  return { uses, before: new Map(), dynos: [], hostBytes: 2 ** 30, nowMs, ...more };
}

export function rowOf(name: string, more: Partial<TopRow> = {}): TopRow {
  return { name, state: 'running', command: 'sleep 1000', ...more };
}
