// Part of `npm run lint`: scripts/layers.mjs over all of src/.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { circlesOf, faultsOf, src } from './layers.mjs';

const files = readdirSync(src, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.ts')).map((entry) => join(entry.parentPath, entry.name));
const texts = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
const faults = [...[...texts].flatMap(([file, text]) => faultsOf(file, text)), ...circlesOf(texts)];
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
