// A cache folder outside the tree: an entry is made whole beside its place and renamed, so a reader never sees half of one.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const day = 24 * 60 * 60 * 1000;

export function cacheFolder() {
  const { TSRUN_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  return resolve(own || join(xdg || join(homedir(), '.cache'), 'tsrun'));
}

/** A short name for everything an entry is made from: another input, another entry. */
export function recipeKey(...inputs) {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(String(Buffer.byteLength(input))).update(' ').update(input);
  return hash.digest('hex').slice(0, 12);
}

/** The folder of one entry; `make(folder)` fills it when it is not there yet. Safe with several builders at once: the first one wins. */
export function cached(kind, name, key, make) {
  const shelf = join(cacheFolder(), kind);
  const entry = join(shelf, `${name}-${key}`);
  if (existsSync(entry)) return touched(entry);
  mkdirSync(shelf, { recursive: true });
  removeOld(shelf, name);
  const work = mkdtempSync(join(shelf, `.${name}-${key}-`));
  try {
    chmodSync(work, 0o755);
    make(work);
    publish(work, entry);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return touched(entry);
}

function publish(work, entry) {
  try {
    renameSync(work, entry);
  } catch (error) {
    // Another builder of the same recipe was faster; its entry is as good as ours.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
}

function touched(entry) {
  try {
    utimesSync(entry, new Date(), new Date());
  } catch {
    // Only the age of the entry is lost: a cache that is read-only or another user's can still be used.
  }
  return entry;
}

/** Unused versions of this entry after a week, and what a killed builder left behind after a day. */
function removeOld(shelf, name) {
  for (const file of readdirSync(shelf)) {
    const left = file.startsWith(`.${name}-`);
    if (!left && !file.startsWith(`${name}-`)) continue;
    const path = join(shelf, file);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > (left ? day : 7 * day)) rmSync(path, { recursive: true, force: true });
  }
}
