// Seeds for the fuzzers. Of the plan reader: the plans of test/plan/golden and requests that launch them, as bytes, by the encoder that
// the launcher is talked to with. Of the archive reader: the hostile archives of the tests, as a layer, above others, and as plain files.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Writer } from '../dist/src/plan/codec.js';
import { encodePlan } from '../dist/src/plan/plan.js';
import { encodeRequest } from '../dist/src/plan/wire.generated.js';

const checkout = resolve(import.meta.dirname, '..');
const golden = join(checkout, 'test/plan/golden');
const { launcherSteps, childSteps, requests } = JSON.parse(readFileSync(join(checkout, 'protocol/protocol.json'), 'utf8'));
const records = { ...launcherSteps, ...childSteps };

/** Golden files write 64-bit numbers as hexadecimal text, and bytes as text. */
function field(type, value) {
  if (type === 'u64') return BigInt(value);
  return type === 'bytes' ? Buffer.from(String(value)) : value;
}

function planBytes(file) {
  const { steps, ...plan } = JSON.parse(readFileSync(join(golden, file), 'utf8'));
  const decoded = steps.map(({ field: from, op, ...fields }) => ({
    field: from,
    step: { op, ...Object.fromEntries(Object.entries(records[op].fields).map(([name, type]) => [name, field(type, fields[name])])) },
  }));
  return encodePlan({ ...plan, steps: decoded });
}

const samples = { u32: 7, i32: -1, bool: true, slot: null, u64: 9n, text: 'text', texts: ['a', 'bc'], slots: [0, 1], u32s: [1] };

function requestBytes(op, plan) {
  const writer = new Writer(1024);
  const fields = Object.entries(requests[op].fields).map(([name, type]) => [name, type === 'bytes' ? plan : samples[type]]);
  encodeRequest(writer, { op, ...Object.fromEntries(fields) });
  return writer.finish();
}

/** Writes the seeds; gives how many. */
export function writeCorpus(folder) {
  mkdirSync(folder, { recursive: true });
  const plans = readdirSync(golden).map((file) => [file.replace('.json', ''), planBytes(file)]);
  const [[, plan]] = plans;
  const seeds = [...plans, ...Object.keys(requests).map((op) => [`request-${op}`, requestBytes(op, plan)])];
  for (const [name, bytes] of seeds) writeFileSync(join(folder, name), bytes);
  return seeds.length;
}

/** Bits of the first byte (native/fuzz/archive_reader.cc): plain files, layers below are known, what was made is listed and packed. */
const ways = [4, 6, 5];

/** Writes the seeds; gives how many. */
export function writeArchives(folder) {
  mkdirSync(folder, { recursive: true });
  const archives = join(folder, '../archives');
  mkdirSync(archives, { recursive: true });
  const { status, stdout, stderr } = spawnSync('python3', ['-W', 'ignore', join(checkout, 'test/support/hostile-archives.py'), archives, '/beside'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the archives could not be made: ${stderr}`);
  const names = stdout.trim().split('\n');
  for (const [index, name] of names.entries()) {
    const archive = readFileSync(join(archives, name));
    // All of them in each way would take the time of the fuzzing.
    writeFileSync(join(folder, name), Buffer.concat([Buffer.of(ways[index % ways.length]), archive]));
  }
  return names.length;
}
