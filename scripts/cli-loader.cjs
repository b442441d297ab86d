#!/usr/bin/env -S node --
// The `--` keeps Node 20 from taking an --env-file of ours, or of the container's program, for its own: it looks for that in all words,
// and a NODE_OPTIONS in the file would have it load code.
// The installed command: one file, loaded together with what V8 has compiled of it before (scripts/cache-cli.mjs). That halves the
// time until its first line runs; without a cache for this V8, or with one that V8 refuses, it only takes longer.
'use strict';
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

const filename = `${__dirname}/tsrun.cjs`;

function cached() {
  try {
    return readFileSync(`${__dirname}/${process.versions.v8}-${process.arch}.cache`);
  } catch {
    return undefined;
  }
}

const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData: cached() });
script.runInThisContext()(require, module, __dirname, filename);
// For who makes the cache: by now it would hold next to nothing.
module.exports = script;
