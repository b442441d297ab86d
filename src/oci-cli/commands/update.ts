import { readSize } from '../../spec/size.js';
import type { Resources } from '../../spec/types.js';
import type { Command } from '../command.js';
import { readJson } from '../json-input.js';
import { changeSchemata } from '../resctrl.js';
import { readResources } from '../read-spec.js';
import { RuntimeError } from '../runtime-error.js';
import { StateFolder } from '../state.js';
import { statusOf } from '../status.js';
import { updateContainer } from '../update-container.js';
import { textOf, type FlagTable, type Words } from '../words.js';

interface LimitFlag {
  /** Where it stands in linux.resources. */
  readonly group: 'blockIO' | 'cpu' | 'memory' | 'pids';
  readonly field: string;
  readonly form: 'number' | 'size' | 'text';
  readonly says: string;
}

const limits: Readonly<Record<string, LimitFlag>> = {
  'blkio-weight': { group: 'blockIO', field: 'weight', form: 'number', says: 'share of block devices, 10 to 1000' },
  'cpu-period': { group: 'cpu', field: 'period', form: 'number', says: 'microseconds in which the quota may be used once' },
  'cpu-quota': { group: 'cpu', field: 'quota', form: 'number', says: 'microseconds of processor time in each period; -1 for no limit' },
  'cpu-burst': { group: 'cpu', field: 'burst', form: 'number', says: 'microseconds that may be saved up, at most the quota' },
  'cpu-share': { group: 'cpu', field: 'shares', form: 'number', says: 'share of processor time, 2 to 262144; 1024 is one normal share' },
  'cpu-rt-period': { group: 'cpu', field: 'realtimePeriod', form: 'number', says: 'cgroup v2 does not have it' },
  'cpu-rt-runtime': { group: 'cpu', field: 'realtimeRuntime', form: 'number', says: 'cgroup v2 does not have it' },
  'cpuset-cpus': { group: 'cpu', field: 'cpus', form: 'text', says: 'processors, 0-3,8' },
  'cpuset-mems': { group: 'cpu', field: 'mems', form: 'text', says: 'memory nodes, 0-1' },
  'cpu-idle': { group: 'cpu', field: 'idle', form: 'number', says: '1: run when nobody else wants to' },
  memory: { group: 'memory', field: 'limit', form: 'size', says: 'limit of memory, 512M; -1 for none' },
  'memory-reservation': { group: 'memory', field: 'reservation', form: 'size', says: 'memory that is left to it when others want some' },
  'memory-swap': { group: 'memory', field: 'swap', form: 'size', says: 'limit of memory and swap together; -1 for no limit of swap' },
  'kernel-memory': { group: 'memory', field: 'kernel', form: 'size', says: 'cgroup v2 does not have it' },
  'kernel-memory-tcp': { group: 'memory', field: 'kernelTCP', form: 'size', says: 'cgroup v2 does not have it' },
  'pids-limit': { group: 'pids', field: 'limit', form: 'number', says: 'limit of processes and threads; -1 for none' },
};

const flags: FlagTable = {
  resources: { kind: 'text', short: 'r', says: 'file with linux.resources as config.json has it, - for standard input; goes alone' },
  ...Object.fromEntries(Object.entries(limits).map(([name, { says }]) => [name, { kind: 'text', says } as const])),
  'l3-cache-schema': { kind: 'text', says: 'Intel RDT: cache of the container\'s group, L3:0=f' },
  'mem-bw-schema': { kind: 'text', says: 'Intel RDT: memory bandwidth of the container\'s group, MB:0=20' },
};

export const update: Command = {
  says: 'change the limits of a container',
  usage: '<container-id>',
  flags,
  argumentCount: 1,
  run: ({ settings }, words) => {
    const { folder, record } = StateFolder.take(settings.root, words.rest[0] ?? '');
    const resources = resourcesOf(words);
    const status = statusOf(folder, record);
    if (status === 'stopped' || status === 'creating') throw new RuntimeError('container not running');
    const undo = changeSchemata(record.resctrl, schemataOf(words));
    try {
      if (Object.keys(resources).length > 0) updateContainer(record, resources);
    } catch (error) {
      undo();
      throw error;
    }
    return 0;
  },
};

/** As config.json has them (config-linux.md, "Intel RDT"). */
const schemata = { 'l3-cache-schema': /^L3[A-Z]*:[^\n]+$/, 'mem-bw-schema': /^MB:[^\n]+$/ } as const;

function schemataOf(words: Words): string[] {
  return Object.entries(schemata).flatMap(([name, form]) => {
    const line = textOf(words, name);
    if (line === undefined) return [];
    if (!form.test(line)) throw new RuntimeError(`invalid value for ${name}: ${JSON.stringify(line)}`);
    return [line];
  });
}

function resourcesOf(words: Words): Resources {
  const file = textOf(words, 'resources');
  const given = Object.entries(limits).filter(([name]) => words.texts.has(name));
  const [other] = given;
  if (file === undefined) return readResources(fromFlags(words, given));
  // runc passes over the others without a word.
  if (other !== undefined) throw new RuntimeError(`--resources holds all of the change: leave --${other[0]} out`);
  return readResources(readJson(file));
}

function fromFlags(words: Words, given: readonly (readonly [string, LimitFlag])[]): unknown {
  const resources: Record<string, Record<string, string | number>> = {};
  for (const [name, { group, field, form }] of given) {
    const text = textOf(words, name) ?? '';
    const value = form === 'text' ? text : form === 'size' && text !== '-1' ? readSize(text) : integerOf(text);
    if (value === undefined) throw new RuntimeError(`invalid value for ${name}: ${JSON.stringify(text)}`);
    resources[group] = { ...resources[group], [field]: value };
  }
  return resources;
}

function integerOf(text: string): number | undefined {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}
