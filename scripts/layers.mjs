// What a file of src/ may import: other folders downwards only, no file that leads back to it, and in plan/ and spec/ nothing of Node's
// that does I/O or differs from call to call. That they do not reach for it as a global either, eslint holds (eslint.config.js).
import { dirname, relative, resolve } from 'node:path';

const allowed = {
  spec: [],
  host: ['spec'],
  cgroup: ['spec', 'host'],
  network: ['spec', 'host'],
  engine: ['spec', 'host', 'plan'],
  plan: ['spec', 'host', 'cgroup', 'network'],
  image: ['spec', 'host', 'engine'],
  container: ['spec', 'host', 'cgroup', 'network', 'plan', 'engine', 'image'],
  dyno: ['spec', 'host', 'cgroup', 'engine', 'container', 'image'],
  '.': ['spec', 'host', 'cgroup', 'plan', 'container', 'image', 'dyno'],
  cli: ['.'],
  'oci-cli': ['spec', 'host', 'cgroup', 'plan', 'engine'],
};

/** Functions of their arguments, and tables; each with the names that may be taken from it, or all. */
const pureModules = { 'node:path': ['posix'], 'node:util': ['getSystemErrorName'], 'node:os': ['constants'], 'node:net': ['isIP'] };
const pureFolders = ['plan', 'spec'];

export const src = resolve(import.meta.dirname, '../src');

function folderOf(file) {
  const parts = relative(src, file).split('/');
  return parts.length === 1 ? '.' : parts[0];
}

const imports = /(?:^|\n)\s*(?:import|export)\s+([^'";]*?from\s*)?'([^']+)'|import\(\s*'([^']+)'/g;

/** What is wrong with the imports of a file, as sentences. */
export function faultsOf(file, text) {
  const from = folderOf(file);
  const faults = [];
  for (const [, clause = '', plain, dynamic] of text.matchAll(imports)) {
    const target = plain ?? dynamic;
    const reason = target.startsWith('.') ? upwards(from, file, target) : impure(from, clause, target);
    if (reason !== undefined) faults.push(`${relative(src, file)} imports ${target}: ${reason}`);
  }
  return faults;
}

/** Files that import each other in a loop, types included: one of each such loop, as a sentence. */
export function circlesOf(texts) {
  const targets = new Map([...texts].map(([file, text]) => [file, [...text.matchAll(imports)].map(([, , plain, dynamic]) => plain ?? dynamic)
    .filter((target) => target.startsWith('.')).map((target) => resolve(dirname(file), target).replace(/\.js$/, '.ts')).filter((target) => texts.has(target))]));
  const left = new Set();
  const circles = [];
  const visit = (file, path) => {
    if (path.includes(file)) {
      const loop = [...path.slice(path.indexOf(file)), file].map((each) => relative(src, each));
      circles.push(`circle: ${loop.join(' → ')}`);
    } else if (!left.has(file)) {
      for (const target of targets.get(file)) visit(target, [...path, file]);
      left.add(file);
    }
  };
  for (const file of texts.keys()) visit(file, []);
  return circles;
}

function upwards(from, file, target) {
  const to = folderOf(resolve(dirname(file), target));
  return to === from || allowed[from]?.includes(to) ? undefined : `${from} may not import ${to}`;
}

function impure(from, clause, target) {
  if (!pureFolders.includes(from) || clause.startsWith('type ')) return undefined;
  const names = pureModules[target.startsWith('node:') ? target : `node:${target}`];
  const taken = /\{([^}]*)\}/.exec(clause)?.[1].split(',').map((name) => name.trim().replace(/^type | as .*/g, '')).filter(Boolean) ?? ['*'];
  const other = taken.find((name) => !names?.includes(name));
  return other === undefined ? undefined : `${from} does no I/O, and may not have ${other} of it`;
}
