// What the validator is made of: the runtime-spec's JSON schemas of a config.json by file name, as of the version that tsrun follows, and the
// rules beyond them. TSRUN_RUNTIME_SPEC=FOLDER takes the schemas of another version, as they are.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;

export function readSchemas() {
  const { TSRUN_RUNTIME_SPEC: other } = process.env;
  const folder = other || join(here, 'runtime-spec-1.2.1');
  const files = readdirSync(folder).filter((name) => /^(?:config|defs).*\.json$/.test(name));
  // A reference in 1.3.0 lacks its first slash.
  const schemas = Object.fromEntries(files.map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8').replaceAll('"#definitions/', '"#/definitions/'))]));
  return other ? schemas : patched(schemas, JSON.parse(readFileSync(join(here, 'since-1.2.1.json'), 'utf8')));
}

/** JSON merge patch (RFC 7396): null takes away. */
function patched(target, patch) {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const kept = Object.entries(target ?? {}).filter(([key]) => patch[key] !== null);
  const given = Object.entries(patch).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(kept), ...Object.fromEntries(given.map(([key, value]) => [key, patched(target?.[key], value)])) };
}

/** The table itself, not its text: rules may be computed. */
export async function readRules() {
  const entry = join(here, '../src/spec/schema-rules/rules.ts');
  const { outputFiles: [file] } = await build({ entryPoints: [entry], bundle: true, format: 'esm', platform: 'node', write: false, logLevel: 'warning' });
  return (await import(`data:text/javascript;base64,${Buffer.from(file.contents).toString('base64')}`)).rules;
}
