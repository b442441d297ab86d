/** `resources.memory` as cgroup v2 files. */
import type { Resources } from '../spec/types.js';
import { checkInteger, invalidLimit, maxOr, unsupported, type LimitWrite, type UsageCheck } from './limit-types.js';

type Memory = NonNullable<Resources['memory']>;

const FIELD = '/linux/resources/memory';
const BYTES = 'a number of bytes, or -1 for no limit';

/**
 * Swap goes first: lowering memory.max below what is used makes the kernel swap out at once, and that must already be
 * bounded. Zero means "not set", as in every other runtime.
 */
export function memoryWrites(memory: Memory): LimitWrite[] {
  refuseV1Only(memory);
  const limit = byteField(memory, 'limit');
  const reservation = byteField(memory, 'reservation');
  const swap = swapValue(limit, byteField(memory, 'swap'));
  const writes: LimitWrite[] = [];
  const add = (file: string, value: string, field: string) => {
    writes.push({ file, value, field: `${FIELD}/${field}`, controller: 'memory' });
  };
  if (swap !== undefined) add('memory.swap.max', swap, memory.swap === undefined ? 'limit' : 'swap');
  if (limit !== undefined) add('memory.max', maxOr(limit), 'limit');
  if (reservation !== undefined) add('memory.low', maxOr(reservation), 'reservation');
  return writes;
}

export function memoryChecks(memory: Memory): UsageCheck[] {
  if (memory.checkBeforeUpdate !== true) return [];
  const checks: UsageCheck[] = [];
  const { limit = 0, swap = 0 } = memory;
  if (limit > 0) checks.push({ files: ['memory.current'], atMost: limit, field: `${FIELD}/limit` });
  if (swap > 0) checks.push({ files: ['memory.current', 'memory.swap.current'], atMost: swap, field: `${FIELD}/swap` });
  return checks;
}

function byteField(memory: Memory, name: 'limit' | 'reservation' | 'swap'): number | undefined {
  const value = memory[name];
  if (value === undefined || value === 0) return undefined;
  return checkInteger(value, `${FIELD}/${name}`, { min: -1, allowed: BYTES });
}

/** The spec counts memory and swap together, v2 counts swap alone. */
function swapValue(limit: number | undefined, swap: number | undefined): string | undefined {
  const field = `${FIELD}/swap`;
  if (swap === undefined) return limit === -1 ? 'max' : undefined;
  if (swap === -1) return 'max';
  if (limit === undefined) throw invalidLimit(field, swap, 'set memory.limit as well: swap counts memory and swap together');
  if (limit === -1) return String(swap);
  if (swap < limit) throw invalidLimit(field, swap, `at least memory.limit (${limit}), or -1: it counts memory and swap together`);
  return String(swap - limit);
}

/** Values that say what v2 does anyway are let pass; engines write them out of habit. */
function refuseV1Only(memory: Memory): void {
  for (const name of ['kernel', 'kernelTCP'] as const) {
    if (memory[name] !== undefined && memory[name] > 0) {
      throw unsupported(`${FIELD}/${name}`, 'a separate limit for kernel memory', 'leave it out: memory.limit counts kernel memory too');
    }
  }
  if (memory.swappiness !== undefined) {
    throw unsupported(`${FIELD}/swappiness`, 'swappiness per cgroup', 'leave it out, or bound swap with memory.swap');
  }
  if (memory.disableOOMKiller === true) {
    throw unsupported(`${FIELD}/disableOOMKiller`, 'switching the OOM killer off', 'leave it out; unified memory.high throttles before a kill');
  }
  if (memory.useHierarchy === false) {
    throw unsupported(`${FIELD}/useHierarchy`, 'accounting without hierarchy', 'leave it out');
  }
}
