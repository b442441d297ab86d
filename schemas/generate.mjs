// Compiles the runtime-spec's JSON schemas and tsrun's rules beyond them to the validator, src/spec/schema.generated.ts. Runs before every
// build; nothing generated is committed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileSchemas } from './compile.mjs';
import { readRules, readSchemas } from './read.mjs';

const { text } = compileSchemas(readSchemas(), await readRules());
writeFileSync(join(import.meta.dirname, '../src/spec/schema.generated.ts'), text);
