/** The arguments of the methods about images: each has one strict shape, and nothing is done before it fits. */
import { checksumForm } from '../../image/checksum.js';
import type { FetchLimits, ImportOptions, LookOptions, PullOptions, ResolveImageOptions } from '../../image/image-types.js';
import { nonEmpty } from '../../spec/schema-common.js';
import { assertShape, boolean, instanceOf, integer, oneOf, optional, record, strictObject, text } from '../../spec/shape.js';

/** Operating system, processor and, for some, its variant; the words are looked at when they are needed. */
export const platform = text('a platform such as "linux/arm64"', /^[A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*){0,2}$/);

/** Of a file, as a whole. */
export const checksum = text('a checksum: "SHA256:" and 64 hexadecimal digits', checksumForm);

const signal = optional(instanceOf(AbortSignal));
const count = optional(integer(1, Number.MAX_SAFE_INTEGER));
/** What a layer may become. */
export const limits = optional(strictObject<FetchLimits>({ bytes: count, entries: count, ratio: count }));
const fetchFields = { platform: optional(platform), name: optional(nonEmpty), limits, signal };
const importOptions = strictObject<ImportOptions>({ ...fetchFields, checksum: optional(checksum) });
const pullOptions = strictObject<PullOptions>({ ...fetchFields, tlsVerify: optional(boolean), authFile: optional(nonEmpty) });
const pull = oneOf('when to ask a registry', ['missing', 'always', 'never']);
const resolveOptions = strictObject<ResolveImageOptions>({ pull: optional(pull), platform: optional(platform), checksum: optional(checksum), tlsVerify: optional(boolean), authFile: optional(nonEmpty), limits, signal });
const saveOptions = strictObject<{ readonly format?: string; readonly signal?: AbortSignal }>({ format: optional(oneOf('a format', ['oci', 'docker-archive'])), signal });
const names = record(nonEmpty);

/** @throws ERR_TSRUN_INVALID_ARGUMENT, as all of these */
export function validateNames(value: Readonly<Record<string, unknown>>): void {
  // A record's member that is undefined is none; a name that is not given is missing.
  const given = Object.fromEntries(Object.entries(value).map(([key, name]) => [key, name ?? null]));
  assertShape(names, given, 'ERR_TSRUN_INVALID_ARGUMENT', 'argument');
}

/** A path, or a stream: `direction` is a method that one of the right direction has. */
export function validateNamesOrStreams(value: Readonly<Record<string, unknown>>, direction: 'pipe' | 'write'): void {
  const others = Object.entries(value).filter(([, each]) => typeof each !== 'object' || each === null || !(direction in each));
  validateNames(Object.fromEntries(others));
}

export function validateImportOptions(value: unknown): void {
  assertShape(importOptions, value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
}

export function validatePullOptions(value: unknown): void {
  assertShape(pullOptions, value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
}

export function validateResolveOptions(value: unknown): void {
  assertShape(resolveOptions, value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
}

export function validateSaveOptions(value: unknown): void {
  assertShape(saveOptions, value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
}

export function validateLookOptions(value: unknown): void {
  assertShape(strictObject<LookOptions>({ platform: optional(platform), signal }), value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
}

export function validateRemoveOptions(value: unknown): void {
  assertShape(strictObject<{ readonly force?: boolean }>({ force: optional(boolean) }), value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
}

export function validatePruneOptions(value: unknown): void {
  assertShape(strictObject<{ readonly all?: boolean }>({ all: optional(boolean) }), value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
}
