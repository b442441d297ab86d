import test from 'ava';
import { checkConfigVars, mostConfigBytes } from '../../src/dyno/config-vars.js';

const invalid = (message: RegExp) => ({ code: 'ERR_TSRUN_INVALID_ARGUMENT', message });

test('names of config vars are letters, digits and "_", and those of the platform are refused', (t) => {
  checkConfigVars();
  checkConfigVars({ A: '', a_1: 'x', _one: 'x', '1': 'x', HEROKU: 'x', heroku_x: 'x', DYNO: 'x' });
  t.throws(() => { checkConfigVars({ GOOD: '', 'npm.x': 'secret' }); }, invalid(/^option \/env\/npm\.x: a config var has a name of letters, digits and "_", not "npm\.x"$/));
  for (const name of ['a-b', 'a b', 'ü', 'a\n', '']) t.throws(() => { checkConfigVars({ [name]: 'x' }); }, invalid(/letters, digits/), name);
  t.throws(() => { checkConfigVars({ __A: 'x' }); }, invalid(/must not begin with "__": "__A"/));
  t.throws(() => { checkConfigVars({ HEROKU_APP_NAME: 'x' }); }, invalid(/names that begin with HEROKU_ are the platform's: "HEROKU_APP_NAME"/));
});

test('all of them have 64 KiB, names and values, in bytes; no value is shown', (t) => {
  const most = { A: 'x'.repeat(100), KEY: 'y'.repeat(mostConfigBytes - 104) };
  checkConfigVars(most);
  const error = t.throws(() => { checkConfigVars({ ...most, KEY: `${most.KEY}z` }); }, invalid(/^option \/env: all config vars together have 65537 bytes, and may have 65536$/));
  t.false(`${error.message}${JSON.stringify(error)}`.includes('yyy'));
  t.throws(() => { checkConfigVars({ KEY: 'ü'.repeat(mostConfigBytes / 2) }); }, invalid(/65539 bytes/));
});
