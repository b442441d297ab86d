/** Values of the flags that set limits and devices. */
import { nearest, readRlimit, rlimitNames, type DeviceOption } from '../../index.js';
import { quote } from '../escape.js';
import { parseBytes, parseInteger, parsePair } from './basic.js';
import { innerPath } from './mounts.js';
import { ValueError, type ValueType } from './value-type.js';

const ulimitNames = rlimitNames.map((name) => name.replace(/^RLIMIT_/, '').toLowerCase());

export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

export const ulimit: ValueType<Ulimit> = {
  kind: 'pairs',
  placeholder: 'NAME=SOFT[:HARD]',
  completion: ulimitNames.map((name) => `${name}=`),
  parse: (text) => {
    const { key: name, value } = parsePair(text, { valueRequired: true });
    if (readRlimit(name) === undefined) {
      const meant = nearest(name, ulimitNames);
      throw new ValueError(`unknown limit ${quote(name)}${meant === undefined ? '' : `, did you mean ${quote(meant)}?`}`, `allowed are ${ulimitNames.join(', ')}`);
    }
    const [softText = '', hardText = softText, ...rest] = value.split(':');
    if (rest.length > 0) throw new ValueError('expected NAME=SOFT or NAME=SOFT:HARD');
    const [soft, hard] = [limitValue(softText), limitValue(hardText)];
    if (hard !== -1 && (soft === -1 || soft > hard)) throw new ValueError(`the soft limit ${softText} is above the hard limit ${hardText}`);
    return { name, soft, hard };
  },
};

function limitValue(text: string): number {
  return text === 'unlimited' ? -1 : parseInteger(text, { min: 0, also: { value: -1, meaning: 'no limit' } });
}

export interface StorageOptions {
  readonly rootBytes?: number;
  readonly rootStorage?: 'memory' | 'disk';
}

/** `size=BYTES`, `type=memory|disk`, or both with a comma between them. */
export const storage: ValueType<StorageOptions> = {
  kind: 'pairs',
  placeholder: 'size=BYTES,type=TYPE',
  completion: ['size=', 'type=memory', 'type=disk'],
  parse: (text) => text.split(',').map(storageOption).reduce((all, each) => ({ ...all, ...each })),
};

function storageOption(text: string): StorageOptions {
  const { key, value } = parsePair(text, { valueRequired: true });
  if (key === 'size') return { rootBytes: parseBytes(value) };
  if (key !== 'type') throw new ValueError(`unknown option ${quote(key)}`, 'allowed are size=BYTES and type=memory or type=disk');
  if (value === 'memory' || value === 'disk') return { rootStorage: value };
  throw new ValueError(`unknown type ${quote(value)}`, 'allowed are type=memory and type=disk');
}

/** Processor numbers as the kernel's cpuset lists them: `0-3,6`. */
export const cpuList: ValueType<string> = {
  kind: 'string',
  placeholder: 'LIST',
  parse: (text) => {
    for (const range of text.split(',')) checkRange(range);
    return text;
  },
};

function checkRange(range: string): void {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range) ?? [];
  if (first === undefined || Number(first) > Number(last)) throw new ValueError('expected processor numbers such as 0-3,6');
}

/** `/dev/x[:/dev/y[:rwm]]`, or `/dev/x:rwm`. */
export const device: ValueType<DeviceOption> = {
  kind: 'string',
  placeholder: 'SRC[:DST[:RWM]]',
  completion: 'file',
  parse: (text) => {
    const [source = '', second, third, ...rest] = text.split(':');
    if (!source.startsWith('/') || source.includes('\0') || rest.length > 0) {
      throw new ValueError('expected a device such as /dev/fuse, /dev/fuse:/dev/fuse or /dev/fuse:/dev/fuse:rw');
    }
    const accessOnly = second !== undefined && third === undefined && !second.startsWith('/');
    const access = accessOnly ? second : third;
    if (access !== undefined) checkAccess(access);
    return {
      source,
      ...(second === undefined || accessOnly ? {} : { destination: innerPath(second) }),
      ...(access === undefined ? {} : { access }),
    };
  },
};

function checkAccess(access: string): void {
  if (/^[rwm]{1,3}$/.test(access) && new Set(access).size === access.length) return;
  throw new ValueError(`the access ${quote(access)} is not made of r, w and m, each once at most`);
}
