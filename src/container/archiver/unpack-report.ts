/** The last line of `unpack`, checked: what says it has read an attacker's archive. */
import { isDigest } from '../../image/documents/digest.js';
import type { UnpackReport } from '../../image/unpack.js';
import { TsrunError } from '../../spec/errors.js';
import type { JsonObject } from '../../spec/json.js';

export function unpackReport(report: JsonObject): UnpackReport {
  return {
    diffId: digestIn(report, 'diffId'),
    blobDigest: digestIn(report, 'blobDigest'),
    blobBytes: countIn(report, 'blobBytes'),
    unpackedBytes: countIn(report, 'unpackedBytes'),
    entries: countIn(report, 'entries'),
    highestId: countIn(report, 'highestId'),
    dependsOnLower: report['dependsOnLower'] === true,
  };
}

function digestIn(report: JsonObject, name: string): string {
  const value = report[name];
  if (typeof value === 'string' && isDigest(value)) return value;
  throw unexpected();
}

export function countIn(report: JsonObject, name: string): number {
  const value = report[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw unexpected();
}

function unexpected(): TsrunError {
  return new TsrunError('ERR_TSRUN_IMAGE', 'the archive cannot be unpacked: the program that reads it did not say what it had read');
}
