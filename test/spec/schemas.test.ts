/**
 * The tables of shapes beside the runtime-spec's own JSON schemas: each place of a spec that sets every field is spoilt, and both are
 * asked. Where they differ is named here, with the reason; so is what only one of them knows. Of semantic rules neither knows.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import AjvDraft04 from 'ajv-draft-04';
import test from 'ava';
import { specShape } from '../../src/spec/schema.js';
import { assertShape } from '../../src/spec/shape.js';
import { fullSpec } from './full-spec.js';
import { faultOf, members, pointer, replaced, type Path } from './mutate.js';

const checkout = resolve(import.meta.dirname, '../../..');

/** By file name. */
function readSchemas(): ReadonlyMap<string, object> {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(checkout, 'rootfs-fixtures/runtime-spec.mjs')], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const folder = stdout.trim();
  const names = readdirSync(folder).filter((name) => /^(?:config|defs).*\.json$/.test(name));
  // A reference in 1.3.0 lacks its first slash.
  return new Map(names.map((name) => [name, asObject(readFileSync(join(folder, name), 'utf8').replaceAll('"#definitions/', '"#/definitions/'))]));
}

function asObject(text: string): object {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error('no object');
  return value;
}

const schemas = readSchemas();
const root = 'config-schema.json';

function compile(): (value: unknown) => boolean {
  const ajv = new AjvDraft04.default({ strict: false, logger: false });
  for (const [name, schema] of schemas) ajv.addSchema(schema, name);
  const validate = ajv.getSchema(root);
  if (validate === undefined) throw new Error('no schema');
  // As a file has it, where what is undefined is not there.
  return (value) => validate(asRead(value)) === true;
}

/** Bigints as any other reader of JSON has them. */
function asRead(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? Number(each) : each)));
}

const schemaTakes = compile();
const tablesTake = (value: unknown): boolean => faultOf(() => { assertShape(specShape, value, 'ERR_TSRUN_INVALID_SPEC', 'spec'); }) === undefined;

function places(value: unknown, path: Path = []): Path[] {
  return [path, ...members(value).flatMap(([key, member]) => places(member, [...path, key]))];
}

/** Without the numbers of entries. */
const nameOf = (path: Path): string => pointer(path.map((key) => (/^\d+$/.test(key) ? '*' : key)));

const spoils: readonly unknown[] = [undefined, null, 'text', '', 'a\nb', -1, 0, 1, 1.5, 0o100644, 2 ** 31, 2 ** 32, 2 ** 53, true, [], ['x'], {}];

/** What the tables take beyond the schema. */
const wider: readonly (readonly [place: RegExp, why: string])[] = [
  [/^\/linux\/resources\/pids(?:\/limit)?$/, 'optional since 1.3, of which the schema knows nothing: 0 and nothing are not the same any more'],
  [/^\/linux\/rootfsPropagation$/, 'engines written in Go send the zero of what was not given'],
  [/^\/linux\/devices\/\*\/fileMode$/, 'some engines leave the bits for the type of file in'],
];

/** What the schema takes and the tables do not: what no kernel takes, or what means nothing. */
const narrower: readonly (readonly [place: RegExp, why: string])[] = [
  [/^\/ociVersion$/, 'a version (config.md, "Specification version")'],
  [/(?:\/path|\/cwd|\/destination|Paths(?:\/\*)?|\/listenerPath)$/, 'paths are absolute where the spec says so, and never empty'],
  [/^\/hooks\/\w+\/\*\/timeout$/, 'poll(2) takes an int'],
  [/^\/(?:host|domain)name$/, 'a name is one line'],
  [/^\/mounts\/\*\/options\/\*$/, 'an option has a name'],
  [/[ug]idMappings\/\*\/size$/, 'a mapping of none'],
  [/\/(?:major|minor)$/, 'dev_t'],
  [/^\/process\/(?:args|user(?:\/[ug]id)?)$/, 'required on POSIX platforms, where there is a process (config.md, "Process", "User")'],
  [/^\/process\/user\/umask$/, 'nine bits'],
  [/^\/process\/capabilities\/\w+(?:\/\*)?$/, 'capabilities by their names'],
  [/^\/process\/(?:apparmorProfile|selinuxLabel)$|^\/linux\/(?:mountLabel|cgroupsPath|intelRdt\/\w+(?:\/\*)?|sysctl\/.*)$/, 'goes into a file of the kernel as a line'],
  [/^\/process\/(?:oomScoreAdj|consoleSize\/\w+|ioPriority\/priority|scheduler\/(?:priority|nice))$/, 'the kernel\'s bounds'],
  [/^\/process\/(?:rlimits\/\*\/(?:soft|hard)|scheduler\/(?:runtime|deadline|period))$/, 'a number that is not exact any more; as a bigint it is taken'],
  [/^\/linux\/resources\/(?:blockIO|cpu|memory|pids|hugepageLimits|devices|network|unified)\/.*$/, 'the kernel\'s bounds, or numbers that are not exact any more'],
  [/^\/linux\/personality(?:\/\w+)?$/, 'a domain is required, and the spec defines no flag (config-linux.md, "Personality")'],
  [/^\/linux\/seccomp\/(?:defaultErrnoRet|syscalls\/\*\/(?:errnoRet|names\/\*|args\/\*\/\w+))$/, 'the kernel\'s bounds'],
  [/^\/linux\/timeOffsets\/\w+\/\w+$/, 'clocks of the kernel end after 2^63 nanoseconds'],
  [/^\/linux\/netDevices\/eth0\/name$/, 'dev_valid_name() of the kernel'],
  [/^\/linux\/memoryPolicy(?:\/\w+)?$/, 'a mode is required (config-linux.md, "Memory policy"); nodes are a list'],
];

/** Fields that are younger than Debian's schema, which is 1.2. */
const younger = /^\/linux\/(?:netDevices|memoryPolicy|intelRdt\/(?:schemata|enableMonitoring))(?:\/|$)/;

const known = schemaProperties();
const isYounger = (name: string): boolean => younger.test(name) && ![...known.keys()].some((each) => each.startsWith('/linux/netDevices'));

test('a spec that sets every field is one for both', (t) => {
  t.true(tablesTake(fullSpec()));
  t.true(schemaTakes(fullSpec()));
});

test('what one refuses the other refuses, but for what is named with its reason', (t) => {
  const spec = fullSpec();
  const used = new Set<string>();
  let refused = 0;
  for (const path of places(spec)) {
    for (const spoil of spoils) {
      const value = replaced(spec, path, spoil);
      const [tables, schema] = [tablesTake(value), schemaTakes(value)];
      if (!tables && !schema) refused += 1;
      if (tables === schema || isYounger(nameOf(path))) continue;
      const reason = (tables ? wider : narrower).find(([place]) => place.test(nameOf(path)));
      if (reason === undefined) t.fail(`${nameOf(path)}: ${spoil === undefined ? 'nothing' : JSON.stringify(spoil)} is taken by the ${tables ? 'tables' : 'schema'} alone`);
      else used.add(reason[1]);
    }
  }
  t.true(refused > 1500, String(refused));
  for (const [, why] of [...wider, ...narrower]) if (!/memoryPolicy|a mode is required|dev_valid_name|optional since 1.3/.test(why)) t.true(used.has(why), `no difference any more: ${why}`);
});

/** Each property of the schema, by the place in a spec, with the names that it allows there. */
function schemaProperties(): ReadonlyMap<string, readonly unknown[]> {
  const found = new Map<string, readonly unknown[]>();
  walk(schemas.get(root), root, '', found);
  return found;
}

function walk(schema: unknown, file: string, at: string, found: Map<string, readonly unknown[]>): void {
  const parts = new Map(members(schema));
  if (parts.size === 0) return;
  if (at !== '') found.set(at, [...(found.get(at) ?? []), ...members(parts.get('enum')).map(([, name]) => name)]);
  const reference = parts.get('$ref');
  if (typeof reference === 'string') follow(reference, file, at, found);
  for (const [name, member] of members(parts.get('properties'))) walk(member, file, `${at}/${name}`, found);
  walk(parts.get('items'), file, `${at}/*`, found);
  for (const list of ['allOf', 'anyOf']) for (const [, each] of members(parts.get(list))) walk(each, file, at, found);
}

function follow(reference: string, file: string, at: string, found: Map<string, readonly unknown[]>): void {
  const [name = '', path = ''] = reference.split('#');
  const target = name === '' ? file : name;
  let schema: unknown = schemas.get(target);
  for (const key of path.split('/').filter((each) => each !== '')) schema = new Map(members(schema)).get(key);
  walk(schema, target, at, found);
}

/** Of other platforms; gone with 1.3; of which there is none that could be set. */
const notOurs = /^\/(?:solaris|windows|vm|zos|freebsd)(?:\/|$)|^\/process\/(?:commandLine|user\/username)$|^\/linux\/(?:intelRdt\/enable(?:CMT|MBM)|personality\/flags\/\*)$/;

test('there is no field that one of them does not know', (t) => {
  const ours = new Set(places(fullSpec()).map(nameOf));
  t.deepEqual([...known.keys()].filter((name) => !ours.has(name) && !notOurs.test(name)), []);
  // Keys that are data: of maps, such as sysctl.
  const maps = /^\/(?:annotations|linux\/(?:sysctl|resources\/(?:unified|rdma)|netDevices))\//;
  t.deepEqual([...ours].filter((name) => name !== '' && !known.has(name) && !maps.test(name) && !isYounger(name)), []);
});

test('each name that the schema allows at a place the tables allow there', (t) => {
  const spec = fullSpec();
  let count = 0;
  for (const path of places(spec)) {
    for (const name of known.get(nameOf(path)) ?? []) {
      t.true(tablesTake(replaced(spec, path, name)), `${nameOf(path)}: ${JSON.stringify(name)}`);
      count += 1;
    }
  }
  t.true(count > 80, String(count));
});
