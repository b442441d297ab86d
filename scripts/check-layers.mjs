// Imports go downwards only: each folder of src/ lists what it may import, anything else fails the lint.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const allowed = {
  spec: [],
  host: ['spec'],
  cgroup: ['spec', 'host'],
  network: ['spec', 'host'],
  engine: ['spec', 'host', 'plan'],
  plan: ['spec', 'host', 'cgroup', 'network'],
  image: ['spec', 'host', 'engine'],
  container: ['spec', 'host', 'cgroup', 'network', 'plan', 'engine', 'image'],
  dyno: ['spec', 'host', 'cgroup', 'container', 'image'],
  '.': ['spec', 'host', 'cgroup', 'plan', 'container', 'image', 'dyno'],
  cli: ['.'],
  'oci-cli': ['.'],
};

const src = resolve(import.meta.dirname, '../src');
const folderOf = (file) => {
  const parts = relative(src, file).split('/');
  return parts.length === 1 ? '.' : parts[0];
};

const faults = [];
for (const entry of readdirSync(src, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
  const file = join(entry.parentPath, entry.name);
  const from = folderOf(file);
  for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)) {
    const to = folderOf(resolve(dirname(file), target));
    if (to !== from && !allowed[from]?.includes(to)) faults.push(`${relative(src, file)} imports ${target}: ${from} may not import ${to}`);
  }
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
