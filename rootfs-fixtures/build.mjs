// `node rootfs-fixtures/build.mjs <name> [architecture]` prints the folder of a root file system, or of images made of them, after building it
// when it is not cached.
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import * as applications from './applications.mjs';
import { hostArchitecture } from './archive.mjs';
import * as busybox from './busybox.mjs';
import { cached } from './cache.mjs';
import * as debian from './debian.mjs';
import { aptPackages, ensurePackages } from './packages.mjs';

const recipes = { busybox, debian, applications };

export const fixtureNames = Object.keys(recipes);

export function fixture(name, architecture = hostArchitecture()) {
  const recipe = recipes[name];
  if (!recipe) throw new Error(`no fixture called ${name ?? '(nothing)'}; there are ${fixtureNames.join(', ')}`);
  return provided(name) ?? cachedFixture(name, recipe, architecture);
}

/** A VM lane brings its fixtures on a disk of its own. */
function provided(name) {
  const { TSRUN_FIXTURES: folder } = process.env;
  if (!folder) return undefined;
  if (!existsSync(join(folder, name))) throw new Error(`TSRUN_FIXTURES is ${folder}, which has no ${name}`);
  return join(folder, name);
}

function cachedFixture(name, recipe, architecture) {
  const foreign = architecture === hostArchitecture() ? [] : [`cross-${architecture}`];
  ensurePackages(aptPackages(recipe.packages, ...foreign));
  const parts = Object.fromEntries((recipe.parts ?? []).map((part) => [part, cachedFixture(part, recipes[part], architecture)]));
  const entry = cached('fixtures', `${name}-${architecture}`, recipe.key(architecture, parts), (folder) => {
    const root = join(folder, 'rootfs');
    mkdirSync(root, { mode: 0o755 });
    recipe.build(root, architecture, parts);
  });
  return join(entry, 'rootfs');
}

function main() {
  try {
    process.stdout.write(`${fixture(process.argv[2], process.argv[3])}\n`);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) main();
