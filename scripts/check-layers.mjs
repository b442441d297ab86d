// Part of `npm run lint`: scripts/layers.mjs over all of src/.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultsOf, src } from './layers.mjs';

const files = readdirSync(src, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.ts')).map((entry) => join(entry.parentPath, entry.name));
const faults = files.flatMap((file) => faultsOf(file, readFileSync(file, 'utf8')));
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
