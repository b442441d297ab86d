/** `resources.blockIO` as cgroup v2 files. */
import type { BlockIO, ThrottleDevice } from '../spec/types.js';
import { checkInteger, unsupported, type LimitWrite } from './limit-types.js';

const FIELD = '/linux/resources/blockIO';
const MIN_WEIGHT = 10;
const MAX_WEIGHT = 1_000;
const WEIGHT = { min: MIN_WEIGHT, max: MAX_WEIGHT, allowed: '10 to 1000' };

const throttles = [
  ['throttleReadBpsDevice', 'rbps'],
  ['throttleWriteBpsDevice', 'wbps'],
  ['throttleReadIOPSDevice', 'riops'],
  ['throttleWriteIOPSDevice', 'wiops'],
] as const;

/** `files` as in CgroupFacts: io.bfq.weight is there only while the BFQ scheduler is loaded. */
export function ioWrites(blockIO: BlockIO, files: readonly string[] | undefined): LimitWrite[] {
  refuseLeafWeight(blockIO);
  const bfq = files?.includes('io.bfq.weight') ?? false;
  return [...weightWrites(blockIO, bfq), ...throttleWrites(blockIO)];
}

/** BFQ keeps the spec's own scale (10…1000); io.weight has 1…10000, linear in it. */
export function blockWeightToIoWeight(weight: number): number {
  return 1 + Math.floor(((weight - MIN_WEIGHT) * 9_999) / (MAX_WEIGHT - MIN_WEIGHT));
}

function weightWrites({ weight = 0, weightDevice = [] }: BlockIO, bfq: boolean): LimitWrite[] {
  const file = bfq ? 'io.bfq.weight' : 'io.weight';
  const scaled = (value: number, field: string) => {
    checkInteger(value, field, WEIGHT);
    return bfq ? value : blockWeightToIoWeight(value);
  };
  const writes: LimitWrite[] = [];
  if (weight !== 0) {
    const field = `${FIELD}/weight`;
    writes.push({ file, value: String(scaled(weight, field)), field, controller: 'io' });
  }
  for (const [index, device] of weightDevice.entries()) {
    if (device.weight === undefined || device.weight === 0) continue;
    const field = `${FIELD}/weightDevice/${index}`;
    const value = `${deviceNumber(device, field)} ${scaled(device.weight, `${field}/weight`)}`;
    writes.push({ file, value, field: `${field}/weight`, controller: 'io' });
  }
  return writes;
}

/** One write for each: io.max takes one device at a time and keeps the keys that a write does not name. */
function throttleWrites(blockIO: BlockIO): LimitWrite[] {
  return throttles.flatMap(([name, key]) =>
    (blockIO[name] ?? []).map((device, index) => {
      const field = `${FIELD}/${name}/${index}`;
      const value = `${deviceNumber(device, field)} ${key}=${rate(device, field)}`;
      return { file: 'io.max', value, field, controller: 'io' };
    }),
  );
}

/** v1 wrote 0 to take a limit away; v2 refuses 0. */
function rate(device: ThrottleDevice, field: string): string {
  checkInteger(device.rate, `${field}/rate`, { min: 0, allowed: 'bytes or operations a second; 0 takes the limit away' });
  return device.rate === 0 ? 'max' : String(device.rate);
}

function deviceNumber({ major, minor }: { major: number; minor: number }, field: string): string {
  checkInteger(major, `${field}/major`, { min: 0, max: 0xfff, allowed: 'the major number of a block device' });
  checkInteger(minor, `${field}/minor`, { min: 0, max: 0xfffff, allowed: 'the minor number of a block device' });
  return `${major}:${minor}`;
}

function refuseLeafWeight({ leafWeight = 0, weightDevice = [] }: BlockIO): void {
  const refused = (field: string) => unsupported(field, 'a leaf weight', 'leave it out: in v2 only leaves hold processes');
  if (leafWeight !== 0) throw refused(`${FIELD}/leafWeight`);
  for (const [index, device] of weightDevice.entries()) {
    if ((device.leafWeight ?? 0) !== 0) throw refused(`${FIELD}/weightDevice/${index}/leafWeight`);
  }
}
