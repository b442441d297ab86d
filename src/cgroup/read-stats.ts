/** All that a cgroup tells of what it has used. */
import { readFile } from '../host/files.js';
import { errnoName } from '../spec/errno.js';
import { parseCpuStat, parseFlat, parseIoStat, parseLimit, parseMemoryEvents, parsePressure, type ContainerStats, type MemoryStats, type PidsStats } from './stats.js';

/** Undefined when the cgroup is gone. Files that this host does not have are left out. */
export async function readStats(cgroupDir: string): Promise<ContainerStats | undefined> {
  const read = async (file: string): Promise<string | undefined> => {
    try {
      return await readFile(`${cgroupDir}/${file}`, 'utf8');
    } catch (error) {
      // ENODEV: removed between open and read; EOPNOTSUPP: pressure is switched off
      if (['ENOENT', 'ENODEV', 'EOPNOTSUPP', 'ENOTSUP'].includes(errnoName(error) ?? '')) return undefined;
      throw error;
    }
  };
  const [cpu, memory, pids, io, pressure] = await Promise.all([
    read('cpu.stat'),
    readMemory(read),
    readPids(read),
    read('io.stat'),
    readPressure(read),
  ]);
  if (cpu === undefined) return undefined;
  return {
    cpu: parseCpuStat(cpu),
    ...(memory === undefined ? {} : { memory }),
    ...(pids === undefined ? {} : { pids }),
    ...(io === undefined ? {} : { io: parseIoStat(io) }),
    pressure,
  };
}

type Read = (file: string) => Promise<string | undefined>;

async function readMemory(read: Read): Promise<MemoryStats | undefined> {
  const [current, peak, max, swap, swapMax, events, stat] = await Promise.all(
    ['current', 'peak', 'max', 'swap.current', 'swap.max', 'events', 'stat'].map((name) => read(`memory.${name}`)),
  );
  if (current === undefined) return undefined;
  return {
    currentBytes: Number(current),
    ...(peak === undefined ? {} : { peakBytes: Number(peak) }),
    maxBytes: parseLimit(max ?? 'max'),
    ...(swap === undefined ? {} : { swapBytes: Number(swap) }),
    ...(swapMax === undefined ? {} : { swapMaxBytes: parseLimit(swapMax) }),
    events: parseMemoryEvents(events ?? ''),
    stat: parseFlat(stat ?? ''),
  };
}

async function readPids(read: Read): Promise<PidsStats | undefined> {
  const [current, max, events] = await Promise.all([read('pids.current'), read('pids.max'), read('pids.events')]);
  if (current === undefined) return undefined;
  return { current: Number(current), max: parseLimit(max ?? 'max'), refusedForks: parseFlat(events ?? '')['max'] ?? 0 };
}

async function readPressure(read: Read): Promise<ContainerStats['pressure']> {
  const [cpu, memory, io] = await Promise.all(['cpu', 'memory', 'io'].map(async (name) => parsePressure((await read(`${name}.pressure`)) ?? '')));
  return {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(io === undefined ? {} : { io }),
  };
}
