#!/usr/bin/env -S node --
// The `--` keeps Node 20 from taking an --env-file of ours, or of the container's program, for its own: it looks for that in all words,
// and a NODE_OPTIONS in the file would have it load code.
// The installed command: two files, of which the first is all that a container's start takes, and each is loaded together with what V8
// has compiled of it before (scripts/cache-cli.mjs). Without a cache for this V8, or with one that V8 refuses, it only takes longer.
'use strict';
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

/** For who makes the caches: a script holds by the end what was compiled of it. */
const scripts = {};

function cached(name) {
  try {
    return readFileSync(`${__dirname}/${name}-${process.versions.v8}-${process.arch}.cache`);
  } catch {
    return undefined;
  }
}

const loaded = {};

function load(name) {
  const filename = `${__dirname}/${name}.cjs`;
  scripts[name] = new Script(readFileSync(filename, 'latin1'), { filename, cachedData: cached(name) });
  // Known before it runs: the command line is read while the first does, and may ask for something of the second.
  loaded[name] = { exports: {} };
  scripts[name].runInThisContext()(need, loaded[name], __dirname, filename);
}

/** Modules of Node's, for which a hundred of ours ask: require() takes some microseconds each time. */
const required = new Map();

/** What the two have of each other, and all else. */
function need(request) {
  if (!request.startsWith('tsrun:')) {
    if (!required.has(request)) required.set(request, require(request));
    return required.get(request);
  }
  const name = request.slice('tsrun:'.length);
  const found = loaded.tsrun.exports.find(name);
  if (found !== undefined) return found;
  if (loaded.more === undefined) load('more');
  return loaded.more.exports.find(name);
}

load('tsrun');
module.exports = scripts;
