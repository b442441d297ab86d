// Generates both codecs from protocol.json, the only definition of what crosses between TypeScript and C++:
// src/plan/wire.generated.ts and native/plan/wire.generated.h, and what the fuzzer reads with. Runs before every build; nothing generated is committed.
//
// A record is { u16 op, u16 0, u32 size } and its fields in order, little-endian, each padded to 4 bytes:
//   u32 i32 bool slot   4 bytes (slot: index into the plan's descriptor table, 0xffffffff = none)
//   u64                 8 bytes
//   text                u32 length, bytes, one NUL that the length does not count
//   bytes               u32 length, bytes
//   texts slots u32s    u32 count, elements
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const here = import.meta.dirname;
const protocol = JSON.parse(readFileSync(join(here, 'protocol.json'), 'utf8'));

const upperFirst = (name) => name[0].toUpperCase() + name.slice(1);
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** `bool` is a keyword in C++. */
const cppMethod = (type) => (type === 'bool' ? 'boolean' : type);

/** Records of a group as [name, op number, definition]; op numbers of steps run on from the launcher's to the child's. */
const launcherSteps = Object.entries(protocol.launcherSteps).map(([name, record], index) => [name, index + 1, record]);
const childSteps = Object.entries(protocol.childSteps).map(([name, record], index) => [name, index + 101, record]);
const requests = Object.entries(protocol.requests).map(([name, record], index) => [name, index + 1, record]);
const events = Object.entries(protocol.events).map(([name, record], index) => [name, index + 1, record]);

const tsTypes = {
  u32: 'number', i32: 'number', bool: 'boolean', slot: 'number | null', u64: 'number | bigint',
  text: 'string', bytes: 'Uint8Array', texts: 'readonly string[]', slots: 'readonly number[]', u32s: 'readonly number[]',
};
const cppTypes = {
  u32: 'uint32_t', i32: 'int32_t', bool: 'bool', slot: 'uint32_t', u64: 'uint64_t',
  text: 'Text', bytes: 'Bytes', texts: 'Texts', slots: 'Words', u32s: 'Words',
};

function tsUnion(typeName, prefix, records) {
  const members = records.map(([name, , record]) => {
    const fields = Object.entries(record.fields).map(([field, type]) => `  readonly ${field}: ${tsTypes[type]};\n`).join('');
    return `/** ${record.doc} */\nexport interface ${prefix}${upperFirst(name)} {\n  readonly op: '${name}';\n${fields}}\n`;
  });
  const union = records.map(([name]) => `  | ${prefix}${upperFirst(name)}`).join('\n');
  const doc = typeName === 'Step' ? '/** One step of a plan; `stepDocs` says in a sentence what each does. Experimental: steps may change in any version. */\n' : '';
  return `${members.join('\n')}\n${doc}export type ${typeName} =\n${union};\n`;
}

function tsEncoder(functionName, typeName, records) {
  const cases = records.map(([name, op, record]) => {
    const writes = Object.entries(record.fields).map(([field, type]) => `      writer.${type}(record.${field});\n`).join('');
    return `    case '${name}':\n      writer.begin(${op});\n${writes}      break;\n`;
  });
  return `export function ${functionName}(writer: Writer, record: ${typeName}): void {\n  switch (record.op) {\n${cases.join('')}  }\n  writer.end();\n}\n`;
}

function tsDecoder(functionName, typeName, records) {
  const cases = records.map(([name, op, record]) => {
    const reads = Object.entries(record.fields).map(([field, type]) => ` ${field}: reader.${type}(),`).join('');
    return `    case ${op}:\n      return { op: '${name}',${reads} };\n`;
  });
  return `export function ${functionName}(op: number, reader: Reader): ${typeName} {\n  switch (op) {\n${cases.join('')}    default:\n      throw new RangeError(\`unknown record \${op}\`);\n  }\n}\n`;
}

function typescript() {
  const steps = [...launcherSteps, ...childSteps];
  const docs = steps.map(([name, , record]) => `  ${name}: ${JSON.stringify(record.doc)},\n`).join('');
  return `// Generated from protocol/protocol.json by protocol/generate.mjs. Do not edit.
import type { Reader, Writer } from './codec.js';

export const protocolVersion = ${protocol.version};

/** Descriptors that the steps of one plan share, and steps of one plan, at most. */
export const maxSlots = ${protocol.limits.slots};
export const maxSteps = ${protocol.limits.steps};

/** Steps that the launcher does before it clones, by name. */
export const launcherOps: ReadonlySet<string> = new Set(${JSON.stringify(launcherSteps.map(([name]) => name))});

/** What each step does, in one sentence. */
export const stepDocs: Readonly<Record<Step['op'], string>> = {
${docs}};

${tsUnion('Step', 'Step', steps)}
${tsEncoder('encodeStep', 'Step', steps)}
${tsUnion('Request', 'Request', requests)}
${tsEncoder('encodeRequest', 'Request', requests)}
${tsUnion('LauncherEvent', 'Event', events).replaceAll('number | bigint', 'bigint')}
${tsDecoder('decodeEvent', 'LauncherEvent', events)}`;
}

function cppStructs(group, records) {
  return records.map(([name, op, record]) => {
    const fields = Object.entries(record.fields).map(([field, type]) => `  ${cppTypes[type]} ${snake(field)};\n`).join('');
    return `// ${record.doc}\nstruct ${group}${upperFirst(name)} {\n  static constexpr uint16_t kOp = ${op};\n${fields}};\n`;
  }).join('\n');
}

function cppDecoders(group, records) {
  return records.map(([name, , record]) => {
    const reads = Object.entries(record.fields).map(([field, type]) => `reader.${cppMethod(type)}(&record->${snake(field)})`);
    const unused = reads.length === 0 ? '  (void)record;\n' : '';
    return `inline bool decode(Reader& reader, ${group}${upperFirst(name)}* record) {\n${unused}  return ${[...reads, 'reader.at_end()'].join(' &&\n         ')};\n}\n`;
  }).join('\n');
}

function cppEncoders(group, records) {
  return records.map(([name, , record]) => {
    const writes = Object.entries(record.fields).map(([field, type]) => `  writer.${cppMethod(type)}(record.${snake(field)});\n`).join('');
    return `inline void encode(Writer& writer, const ${group}${upperFirst(name)}& record) {\n  writer.begin(${group}${upperFirst(name)}::kOp);\n${writes}  writer.end();\n}\n`;
  }).join('\n');
}

/** `visit(op, reader, visitor)` decodes the record and calls `visitor(record)`; `malformed` is what it gives for bytes it refuses. */
function cppVisitor(functionName, group, records) {
  const cases = records.map(([name]) => {
    const type = `${group}${upperFirst(name)}`;
    return `    case ${type}::kOp: {\n      ${type} record;\n      return decode(reader, &record) ? visitor(record) : malformed;\n    }\n`;
  }).join('');
  return `template <typename Visitor, typename Answer>\nAnswer ${functionName}(uint16_t op, Reader reader, Visitor&& visitor, Answer malformed) {\n  switch (op) {\n${cases}    default:\n      return malformed;\n  }\n}\n`;
}

function cpp() {
  return `// Generated from protocol/protocol.json by protocol/generate.mjs. Do not edit.
#ifndef TSRUN_PLAN_WIRE_GENERATED_H_
#define TSRUN_PLAN_WIRE_GENERATED_H_

#include "plan/codec.h"

namespace tsrun {

inline constexpr uint32_t kProtocolVersion = ${protocol.version};

// Of one plan.
inline constexpr uint32_t kMaxSlots = ${protocol.limits.slots};
inline constexpr uint32_t kMaxSteps = ${protocol.limits.steps};

${cppStructs('Step', [...launcherSteps, ...childSteps])}
${cppDecoders('Step', [...launcherSteps, ...childSteps])}
${cppVisitor('visit_launcher_step', 'Step', launcherSteps)}
${cppVisitor('visit_child_step', 'Step', childSteps)}
${cppStructs('Request', requests)}
${cppDecoders('Request', requests)}
${cppVisitor('visit_request', 'Request', requests)}
${cppStructs('Event', events)}
${cppEncoders('Event', events)}
}  // namespace tsrun

#endif  // TSRUN_PLAN_WIRE_GENERATED_H_
`;
}

/** For the fuzzer (native/fuzz): `each_field(record, see)` shows every field. */
function cppFields(group, records) {
  return records.map(([name, , record]) => {
    const fields = Object.keys(record.fields);
    const sees = fields.map((field) => `  see(record.${snake(field)});\n`).join('');
    const parameters = fields.length === 0 ? `const ${group}${upperFirst(name)}&, See&` : `const ${group}${upperFirst(name)}& record, See& see`;
    return `template <typename See>\nvoid each_field(${parameters}) {\n${sees}}\n`;
  }).join('\n');
}

function cppFuzzed() {
  return `// Generated from protocol/protocol.json by protocol/generate.mjs. Do not edit.
#ifndef TSRUN_FUZZ_FIELDS_GENERATED_H_
#define TSRUN_FUZZ_FIELDS_GENERATED_H_

#include "plan/wire.generated.h"

namespace tsrun {

${cppFields('Step', [...launcherSteps, ...childSteps])}
${cppFields('Request', requests)}
}  // namespace tsrun

#endif  // TSRUN_FUZZ_FIELDS_GENERATED_H_
`;
}

function write(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

write(join(here, '../src/plan/wire.generated.ts'), typescript());
write(join(here, '../native/plan/wire.generated.h'), cpp());
write(join(here, '../native/fuzz/fields.generated.h'), cppFuzzed());
