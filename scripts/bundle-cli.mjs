// Puts the command into two files, which Node loads in a fraction of the time of some hundred modules (scripts/cli-loader.cjs): all that
// the start of a container takes, and the rest, which is loaded when something of it is first needed. An ES module would be loaded by
// way of Node's asynchronous loader, which alone takes several milliseconds.
import { chmodSync, copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'dist/src');
const folder = join(root, 'dist/bundle/cli');
const [entry, first] = ['cli/main.js', 'cli/run.js'];
/** Modules of functions that a container's start can call, and hardly ever does: the second file has them, and is loaded by such a call. */
const deferred = new Set([
  'cgroup/change-limits.js', 'cgroup/control.js', 'cgroup/read-stats.js', 'cli/help.js', 'cli/progress.js', 'cli/values/seccomp-file.js',
  'container/apply-limits.js', 'container/connect.js', 'container/failures/setup-error.js', 'container/introduce.js',
  'container/isolation/isolation.js', 'container/options/validate-copy.js', 'container/options/validate-exec.js',
  'container/update-limits.js', 'dyno/agent/list.js', 'dyno/app/app-json.js', 'dyno/app/dotenv.js', 'dyno/quantities.js',
  'dyno/serving/publish.js', 'dyno/sizes/parse-sizes.js', 'engine/faults.js', 'engine/seccomp-layers.js', 'host/binfmt.js', 'host/files.js',
  'image/bundle.js', 'image/elf.js', 'image/procfile.js', 'image/unreadable.js', 'plan/compile-exec.js', 'plan/host-node.js',
  'spec/docker-seccomp.js', 'spec/json.js',
]);

const common = {
  absWorkingDir: root,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  supported: { 'dynamic-import': false },
  metafile: true,
  logLevel: 'warning',
};
const bundled = {
  ...common,
  bundle: true,
  // Larger than all of ours together, and for pulling alone: it is required from beside the package when that needs it. An import() could
  // not be answered in what node:vm has compiled.
  external: ['undici'],
  // Names stay: errors are known by those of their classes.
  minifyWhitespace: true,
  minifySyntax: true,
  define: { 'import.meta.dirname': '__dirname' },
  // An expression whose value is a function, for the loader to call.
  banner: { js: '(function (require, module, __dirname, __filename) {' },
  footer: { js: '})' },
  // One byte a character: the loader need not decode half a megabyte.
  charset: 'ascii',
};

/** A module of ours by its path below dist/src, as the other file knows it. */
const nameOf = (path) => relative(source, path);
const isOurs = (path) => path.startsWith(`${source}/`);

/** The functions of a deferred module, which load it. What else it exports nobody in the first file can import. */
function standIn(name) {
  const text = readFileSync(join(source, name), 'utf8');
  const names = Array.from(text.matchAll(/^export (?:async )?function\*? (\w+)\(/gm), ([, each]) => each);
  return names.map((each) => `export function ${each}(...words) { return require('tsrun:${name}').${each}(...words); }`).join('\n');
}

/** Where a module of ours is found: here, or by the loader. `isElsewhere` says it of one that is imported, at once or when it is needed. */
function finding(isElsewhere, isFirst) {
  return {
    name: 'finding',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^tsrun:/ }, ({ path }) => ({ path, external: true }));
      onLoad({ filter: /./, namespace: 'deferred' }, ({ path }) => ({ contents: standIn(path) }));
      onResolve({ filter: /^\./ }, ({ path: given, resolveDir, kind }) => {
        const path = resolve(resolveDir, given);
        if (!isOurs(path)) return undefined;
        const name = nameOf(path);
        if (isFirst && deferred.has(name) && kind === 'import-statement') return { path: name, namespace: 'deferred', sideEffects: false };
        // But for the entry none does anything when it is loaded: of the public surface comes what is used.
        return isElsewhere(name, kind) ? { path: `tsrun:${name}`, external: true } : { path, sideEffects: name === entry };
      });
    },
  };
}

async function bundle(name, contents, isElsewhere, write) {
  const options = { ...bundled, stdin: { contents, resolveDir: source }, outfile: join(folder, `${name}.cjs`), write, plugins: [finding(isElsewhere, name === 'tsrun')] };
  const { metafile } = await build(options);
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs: all }) => Object.entries(all)).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return inputs.map(([path]) => join(root, path)).filter(isOurs).map(nameOf).sort();
}

/** The names that each module exports. */
async function exportsOf(names) {
  const { metafile } = await build({ ...common, format: 'esm', entryPoints: names.map((name) => join(source, name)), outdir: folder, outbase: source, write: false });
  return new Map(Object.values(metafile.outputs).map(({ entryPoint, exports }) => [nameOf(join(root, entryPoint)), exports]));
}

/** The first file gives the other modules of its own, each when it is asked for. */
async function firstEntry(names) {
  const exported = [...await exportsOf(names.filter((name) => name !== entry))];
  const imports = exported.map(([name, all], module) => `import { ${all.map((each, at) => `${each} as m${module}_${at}`).join(', ')} } from './${name}';`);
  const cases = exported.map(([name, all], module) => `case '${name}': return { ${all.map((each, at) => `get ${each}() { return m${module}_${at}; }`).join(', ')} };`);
  return `${imports.join('\n')}\nexport function find(name) { switch (name) { ${cases.join('\n')} } }\nimport './${entry}';`;
}

/** Modules that the first file has: what its entry and the command that is to be fast import, and what their modules do for others. */
async function firstModules() {
  const isElsewhere = (_name, kind) => kind === 'dynamic-import';
  for (let names = [first]; ;) {
    const more = await bundle('tsrun', await firstEntry(names), isElsewhere, false);
    if (more.length === names.length) return names;
    names = more;
  }
}

/** The second file gives whatever is in none, each when it is asked for. */
function secondEntry(names) {
  return `export function find(name) { switch (name) { ${names.map((name) => `case '${name}': return require('./${name}');`).join('\n')} } }`;
}

// With what V8 made of an earlier one, which it would take for what belongs to this.
rmSync(folder, { recursive: true, force: true });
const own = await firstModules();
const wanted = new Set(deferred);
const isOwn = (name) => own.includes(name);
await bundle('tsrun', await firstEntry(own), (name, kind) => {
  if (kind === 'dynamic-import' && !isOwn(name)) wanted.add(name);
  return kind === 'dynamic-import';
}, true);
await bundle('more', secondEntry([...wanted]), isOwn, true);
copyFileSync(join(root, 'scripts/cli-loader.cjs'), join(folder, 'main.cjs'));
chmodSync(join(folder, 'main.cjs'), 0o755);
