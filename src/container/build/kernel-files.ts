/** Files that tell a program of the limits that it has, where the kernel's own would tell of the whole machine. */
import type { RunOptions } from '../options/options.js';
import { bytesOf } from './limit-words.js';

/** By inner path. They say how large the machine is, and not what is free of it: that would be old at once. */
export function kernelFiles({ memory, cpus }: NonNullable<RunOptions['shownLimits']>, cpuinfo: string): Record<string, string> {
  const bytes = bytesOf(memory);
  const processors = cpus === undefined ? '' : firstProcessors(cpuinfo, Math.ceil(cpus));
  return {
    ...(bytes !== undefined && { '/proc/meminfo': meminfo(bytes), '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${bytes}\n` }),
    ...(processors !== '' && { '/proc/cpuinfo': processors }),
  };
}

/** Of proc_meminfo(5) what sizes are computed from. */
function meminfo(bytes: number): string {
  const kibibytes = Math.floor(bytes / 1024);
  const rows = { MemTotal: kibibytes, MemFree: kibibytes, MemAvailable: kibibytes, Buffers: 0, Cached: 0, SwapCached: 0, SwapTotal: 0, SwapFree: 0 };
  return Object.entries(rows).map(([name, value]) => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB\n`).join('');
}

/** A paragraph each; what follows on some architectures is of the whole machine. */
function firstProcessors(cpuinfo: string, count: number): string {
  const paragraphs = cpuinfo.split('\n\n').filter((paragraph) => paragraph.trim() !== '');
  let seen = 0;
  return paragraphs.filter((paragraph) => !/^processor\s*:/m.test(paragraph) || ++seen <= count).map((paragraph) => `${paragraph.trimEnd()}\n\n`).join('');
}
