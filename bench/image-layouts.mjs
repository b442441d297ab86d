// `node bench/image-layouts.mjs MEGABYTES` prints the folder of two OCI layouts, `gzip` and `zstd`, each with an image `one` (a single
// layer) and `many` (eight) of the same files: a part of this host's /usr. GNU tar, umoci and skopeo make them, and the fixtures' cache
// keeps them.
import { lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aptPackages, ensurePackages } from '../rootfs-fixtures/packages.mjs';
import { cached, recipeKey } from '../rootfs-fixtures/cache.mjs';
import { run } from '../rootfs-fixtures/shell.mjs';

const layers = 8;
const places = ['usr/bin', 'usr/lib', 'usr/share'];
const mostBytes = 8e6;

/** Regular files and links, by name. */
function* filesBelow(folder) {
  for (const entry of readdirSync(join('/', folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile() || entry.isSymbolicLink()) yield { path, size: lstatSync(join('/', path)).size };
  }
}

/** Every so many-th file of each place, for a mixture of programs, libraries, sources and texts that has the wanted size. */
function choose(bytes) {
  const all = places.flatMap((place) => [...filesBelow(place)]).filter(({ size }) => size <= mostBytes);
  const total = all.reduce((sum, { size }) => sum + size, 0);
  const part = Math.min(1, bytes / total);
  return all.filter((_, index) => Math.floor((index + 1) * part) > Math.floor(index * part));
}

/** Neighbours stay together, as a package's files do; all parts have about the same bytes. */
function split(files) {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const parts = Array.from({ length: layers }, () => []);
  let before = 0;
  for (const file of files) {
    parts[Math.min(layers - 1, Math.floor((before * layers) / (total + 1)))].push(file);
    before += file.size;
  }
  return parts;
}

function stage(folder, files) {
  mkdirSync(folder, { recursive: true });
  const list = `${folder}.list`;
  writeFileSync(list, files.map(({ path }) => `${path}\n`).join(''));
  run('sh', ['-c', 'tar -C / --no-recursion --verbatim-files-from -T "$1" -cf - | tar -C "$2" -xf -', 'sh', list, folder]);
}

function make(folder, files) {
  const work = join(folder, 'work');
  const gzip = join(folder, 'gzip');
  const insert = (name, parts) => {
    run('umoci', ['new', '--image', `${gzip}:${name}`]);
    for (const [index, part] of parts.entries()) {
      const staged = join(work, `${name}-${index}`);
      stage(staged, part);
      run('umoci', ['insert', '--image', `${gzip}:${name}`, join(staged, 'usr'), '/usr']);
    }
    // skopeo compresses by the wanted format only what is plain.
    const copy = (...words) => run('skopeo', ['--insecure-policy', 'copy', '--quiet', ...words]);
    const plain = join(work, `${name}-plain`);
    copy('--dest-decompress', `oci:${gzip}:${name}`, `dir:${plain}`);
    copy('--dest-compress', '--dest-compress-format', 'zstd', `dir:${plain}`, `oci:${join(folder, 'zstd')}:${name}`);
  };
  run('umoci', ['init', '--layout', gzip]);
  insert('one', [files]);
  insert('many', split(files));
  run('umoci', ['gc', '--layout', gzip]);
  rmSync(work, { recursive: true });
}

const megabytes = process.argv[2] ?? '200';
ensurePackages(aptPackages('image-tools'));
const files = choose(Number(megabytes) * 1e6);
const key = recipeKey(megabytes, ...files.map(({ path, size }) => `${size} ${path}`));
process.stdout.write(`${cached('fixtures', `bench-image-${megabytes}`, key, (folder) => { make(folder, files); })}\n`);
