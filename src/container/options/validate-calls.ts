/** The options of the methods that act on what exists: each method has one strict shape, and nothing is done before it fits. */

import { isIP } from 'node:net';
import { absolutePath, nonEmpty } from '../../spec/schema-common.js';
import { descriptor } from '../../spec/extensions-shape.js';
import { array, assertShape, boolean, instanceOf, integer, optional, strictObject, text, type Shape } from '../../spec/shape.js';
import { show } from '../../spec/quote.js';
import { TsrunError } from '../../spec/errors.js';
import type { FolderToCheck } from '../../host/doctor-facts.js';
import type { StopOptions } from '../delivery.js';
import type { ExamineOptions, ReadLogOptions, RunRequest } from './call-options.js';
import type { RunOptions } from './options.js';
import { delivery, grace, signal } from './option-shapes.js';

/** What `stop` may be asked for. */
const stopOptions = strictObject<StopOptions>({ signal: optional(signal), graceMs: optional(grace), delivery: optional(delivery) });
const runtimeOptions = strictObject<{ readonly root?: string; readonly imageRoot?: string }>({ root: optional(text('a path')), imageRoot: optional(absolutePath) });
const signalOptions = strictObject<{ readonly signal?: AbortSignal }>({ signal: optional(instanceOf(AbortSignal)) });

const logOptions = strictObject<ReadLogOptions>({ follow: optional(boolean), signal: optional(instanceOf(AbortSignal)) });
const examineOptions = strictObject<ExamineOptions>({
  root: optional(absolutePath),
  folders: optional(array(strictObject<FolderToCheck>({ label: text(), path: absolutePath }))),
});

const port = integer(1, 65_535);
const address: Shape<string> = {
  expects: 'an IPv4 or IPv6 address',
  check(value, at, faults) {
    if (typeof value === 'string' && value.includes('%') && isIP(value) !== 0) {
      faults.add(at, `${show(value)} names an interface, which this process and the container number differently`, 'leave the part from "%" on away');
    } else if (typeof value !== 'string' || isIP(value) === 0) {
      faults.expected(at, 'an IPv4 or IPv6 address', value, 'names are not resolved inside a container');
    }
  },
};
const connectArguments = strictObject<{ readonly port: number; readonly host?: string }>({ port, host: optional(address) });

const side = integer(1, 65_535);
const windowSize = strictObject<{ readonly rows: number; readonly columns: number }>({ rows: side, columns: side });
const windowOfTerminal = strictObject<{ readonly fd: number; readonly rows: number; readonly columns: number }>({ fd: descriptor, rows: side, columns: side });

/** @throws ERR_TSRUN_INVALID_ARGUMENT, as all of these */
export function validateStopOptions(value: unknown): void {
  check(stopOptions, value);
}

export function validateSignal(value: unknown): void {
  check(strictObject<{ readonly signal: string | number }>({ signal }), { signal: value }, 'argument');
}

export function validateRuntimeOptions(value: unknown): void {
  check(runtimeOptions, value);
}

export function validateEventsOptions(value: unknown): void {
  check(signalOptions, value);
}

export function validateLogArguments(folder: unknown, options: unknown): void {
  check(strictObject<{ readonly folder: string }>({ folder: nonEmpty }), { folder }, 'argument');
  check(logOptions, options);
}

export function validateExamineOptions(value: unknown): void {
  check(examineOptions, value);
}

export function validateConnect(port: unknown, options: unknown): void {
  if (typeof options !== 'object' || options === null) check(strictObject<{ readonly host?: string }>({ host: optional(address) }), options);
  check(connectArguments, { ...Object(options), port }, 'argument');
}

export function validateWindow(rows: unknown, columns: unknown): void {
  check(windowSize, { rows, columns }, 'argument');
}

export function validateWindowOf(fd: unknown, rows: unknown, columns: unknown): void {
  check(windowOfTerminal, { fd, rows, columns }, 'argument');
}

export function validateDescriptor(fd: unknown): void {
  check(strictObject<{ readonly fd: number }>({ fd: descriptor }), { fd }, 'argument');
}

/** Both forms of asking for a start as one; `validateImage` refuses what is neither. */
export function imageAndOptions(first: string | RunRequest, options: RunOptions): [image: string, options: RunOptions] {
  if (!isRequest(first)) return [first, options];
  const { image, ...own } = first;
  return [image, own];
}

function isRequest(first: string | RunRequest): first is RunRequest {
  return Object.prototype.toString.call(first) === '[object Object]';
}

/** What is given beside an image; its options are looked into where they are used. */
export function validateImage(image: unknown, options: unknown): void {
  if (typeof image !== 'string') {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `argument /image: expected the name or the path of an image, found ${show(image)}`, {
      field: '/image',
      hint: 'name an unpacked root file system, an OCI bundle, an archive, or an image as docker does',
    });
  }
  if (Object.prototype.toString.call(options) !== '[object Object]') {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `options: expected an object, found ${show(options)}`, { field: '', hint: 'leave them out for defaults' });
  }
}

function check<T>(shape: Shape<T>, value: unknown, subject = 'option'): void {
  assertShape<T>(shape, value, 'ERR_TSRUN_INVALID_ARGUMENT', subject);
}
