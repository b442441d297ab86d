/** What tsrun-archive says on its standard error: lines of JSON in ASCII, in whose texts each character stands for a byte. */
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { systemErrorName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { parseJson, type JsonObject } from '../../spec/json.js';
import { printable } from '../../spec/quote.js';

/** The program cuts names itself. */
const longestLine = 8192;

/** The last line, which is not about progress; undefined when there is none. */
export async function readReport(stream: Readable, onRead: (bytes: number) => void): Promise<JsonObject | undefined> {
  let rest = '';
  let last: JsonObject | undefined;
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) break;
    for (const line of lines) {
      const report = parse(line);
      if (typeof report?.['read'] === 'number') onRead(report['read']);
      else last = report;
    }
  }
  return last;
}

function parse(line: string): JsonObject | undefined {
  try {
    const value = parseJson(line, 'tsrun-archive');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The program's texts are bytes. */
function text(value: unknown): string {
  return typeof value === 'string' ? printable(Buffer.from(value, 'latin1').toString('utf8'), 400) : '';
}

export interface Work {
  /** What was being done, for people: `the layer`, `the archive`. */
  readonly subject: string;
  /** The folder of the host whose file system may be at fault; undefined in a live container, whose own files are. */
  readonly folder: string | undefined;
  /** It is a copy of somebody's files, and not an image: failures are `ERR_TSRUN_COPY`. */
  readonly isCopy?: boolean | undefined;
}

/** Of a program that did not do what it should. @param signal that ended it, if one did */
export function failureOf(report: JsonObject | undefined, signal: string | undefined, { subject, folder, isCopy = false }: Work): TsrunError {
  const entry = text(report?.['entry']);
  const behind = text(report?.['behind']);
  const where = entry !== '' ? `entry '${entry}' of ${subject}` : behind !== '' ? `what follows entry '${behind}' of ${subject}` : subject;
  if (isCopy && typeof report?.['refused'] === 'string') return new TsrunError('ERR_TSRUN_COPY', `${where}: ${text(report['refused'])}`);
  if (typeof report?.['refused'] === 'string') {
    return new TsrunError('ERR_TSRUN_IMAGE', `${where} is refused: ${text(report['refused'])}`, { hint: hintOfRefusal(report['refused']) });
  }
  if (typeof report?.['errno'] === 'number') {
    const failed: FailedCall = { call: text(report['call']), about: text(report['about']), number: report['errno'], where };
    return isCopy ? copyFailure(failed, folder) : systemFailure(failed, folder);
  }
  if (signal === 'SIGXCPU') return new TsrunError('ERR_TSRUN_IMAGE', `${subject} is refused: it takes more than an hour of processor time`, { hint: refusedHint });
  // Its own end, or the C library's for want of memory, whose abort is on arm64 a breakpoint behind the SIGABRT that a first process cannot get.
  if (signal === undefined || signal === 'SIGSEGV' || signal === 'SIGABRT' || signal === 'SIGTRAP') {
    return new TsrunError('ERR_TSRUN_IMAGE', `${subject} cannot be read: it wants more memory than is given to the program that reads it`, {
      hint: 'compress it with a smaller window (zstd without --long=28 and more), or have it made again',
    });
  }
  return new TsrunError('ERR_TSRUN_STORE', `${subject} was not read to its end: the program that reads it was ended by ${signal}`, { hint: 'try again; dmesg tells of kills for want of memory' });
}

interface FailedCall {
  readonly call: string;
  /** Which attribute, or whose file it should have become; empty where there is nothing to say. */
  readonly about: string;
  readonly number: number;
  readonly where: string;
}

/** `setxattr of 'user.note'` */
function callText({ call, about }: FailedCall): string {
  return about === '' ? call : `${call} of '${about}'`;
}

function copyFailure(failed: FailedCall, folder: string | undefined): TsrunError {
  const { call, number, where } = failed;
  const errno = systemErrorName(number);
  if (errno === 'ELOOP') return new TsrunError('ERR_TSRUN_COPY', `the links at ${where} go in a circle, or through what the kernel shows`);
  const hint = call === 'chown' && errno === 'EINVAL' ? foreignOwnerHint : copyHints[errno];
  return new TsrunError('ERR_TSRUN_COPY', `${where}: ${callText(failed)} in ${folder === undefined ? 'the container' : `'${printable(folder, 400)}'`}: ${errno}`, { hint });
}

const foreignOwnerHint = 'its owner is not among your subordinate ids: leave --archive out, have more ids in /etc/subuid and /etc/subgid (65536 are usual), or run as root';

const copyHints: Readonly<Record<string, string>> = {
  ENOSPC: 'make room on that file system; for a container, --storage-opt and the sizes of its mounts say how much there is',
  EDQUOT: 'the quota of that file system is used up; for a container, --storage-opt says how much there is',
  EROFS: 'that file system is read-only: a container takes files in its mounts then, while it runs',
  EACCES: 'look at its owner and mode, and at those of the folders above it',
  EPERM: 'look at its owner and mode, and at the attributes and mount options of its file system',
  EBUSY: 'something is mounted there, which can be written to, but not replaced',
};

function hintOfRefusal(why: string): string {
  return why.endsWith('than the limit allows') ? limitHint : refusedHint;
}

const limitHint = 'where you trust who made it, raise the limit: --max-layer-bytes, --max-layer-entries, --max-layer-ratio';
const refusedHint = 'an archive that is damaged or hostile is taken by no engine that checks: have it made again';

/** What an archive asks of a file system that none gives. */
const ofTheArchive: readonly number[] = [constants.errno.ENAMETOOLONG, constants.errno.ELOOP, constants.errno.ENOTDIR, constants.errno.ENOENT, constants.errno.ERANGE, constants.errno.E2BIG];

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'make room on that file system, or remove images: tsrun prune',
  EDQUOT: 'the quota of that file system is used up: remove images, or have it raised',
  EROFS: 'give a folder on a file system that can be written: --root-dir, $TSRUN_IMAGES',
  EIO: 'the disk does not hold what is written to it: see dmesg',
  ENOTSUP: 'extended attributes are needed: use ext4, xfs, btrfs, or a tmpfs of Linux 6.6 and newer',
  EPERM: 'the file system does not allow it, as overlayfs takes no whiteouts, or its mount: give a folder on ext4, xfs or btrfs: --root-dir, $TSRUN_IMAGES',
};

function systemFailure(failed: FailedCall, folder: string | undefined): TsrunError {
  const { call, about, number, where } = failed;
  const errno = systemErrorName(number);
  if (call === 'chown' && errno === 'EINVAL') {
    return new TsrunError('ERR_TSRUN_IMAGE', `${where} has the owner ${about}, which is not among your subordinate ids`, { hint: 'have more ids in /etc/subuid and /etc/subgid (65536 are usual), or run as root' });
  }
  if (ofTheArchive.includes(number) || (call === 'setxattr' && errno === 'EINVAL')) return new TsrunError('ERR_TSRUN_IMAGE', `${where} is refused: ${callText(failed)}: ${errno}`, { hint: refusedHint });
  if (folder === undefined) return new TsrunError('ERR_TSRUN_IMAGE', `${where}: ${callText(failed)} in the container: ${errno}`, { hint: 'look at what lies there, and at the size of its mounts' });
  return new TsrunError('ERR_TSRUN_STORE', `${where}: ${callText(failed)} in '${printable(folder, 400)}': ${errno}`, { hint: call === 'setxattr' && errno === 'ENOSPC' ? attributesHint : hints[errno] });
}

/** xattr(7), "Filesystem-specific limits": ext4 keeps all of a file in its inode and one block, and has no other error for it. */
const attributesHint = 'make room on that file system; if there is room, it keeps no more attributes for one file, as ext4: give a folder on xfs or btrfs: --root-dir, $TSRUN_IMAGES';
