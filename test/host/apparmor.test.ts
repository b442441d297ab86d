// AppArmor: the program runs under the profile that was asked for, however it was started, or not at all.
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { SetupError } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay', 'apparmor');
const profile = `tsrun-test-${process.pid}`;
const policy = '/sys/kernel/security/apparmor';

/**
 * A profile in the kernel's own form (security/apparmor/policy_unpack.c, version 5), since apparmor_parser(8) may not be there: it has no
 * rules, and is in complain mode, so that everything is let through.
 */
function complainingProfile(name: string): Buffer {
  const text = (code: number, word: string) => {
    const head = Buffer.from([code, 0, 0]);
    head.writeUInt16LE(word.length + 1, 1);
    return Buffer.concat([head, Buffer.from(`${word}\0`)]);
  };
  const number = (value: number) => {
    const bytes = Buffer.from([2, 0, 0, 0, 0]);
    bytes.writeUInt32LE(value, 1);
    return bytes;
  };
  const named = (word: string) => text(4, word);
  const [struct, end, complain] = [Buffer.from([7]), Buffer.from([8]), 1];
  const flags = [named('flags'), struct, number(0), number(complain), number(0), end];
  const capabilities = [0, 0, 0, 0].map(number);
  return Buffer.concat([named('version'), number(5), named('profile'), struct, text(5, name), ...flags, ...capabilities, end]);
}

const command = ['cat', '/proc/self/attr/current'];

here('the program is confined, as first process, under the reaper and executed later', async (t) => {
  writeFileSync(`${policy}/.load`, complainingProfile(profile));
  try {
    for (const options of [{}, { init: true }, { user: '1000' }, { namespaces: { user: 'host' } }, { noNewPrivileges: false }] as const) {
      t.is((await lab.run({ command, apparmor: profile, ...options })).stdout, `${profile} (complain)\n`, JSON.stringify(options));
    }
    const idle = await lab.idle({ apparmor: profile });
    t.is((await lab.exec(idle, { command })).stdout, `${profile} (complain)\n`);
    await idle[Symbol.asyncDispose]();
    t.is((await lab.run({ command, apparmor: 'unconfined' })).stdout, 'unconfined\n');
    t.is((await lab.run({ command })).stdout, 'unconfined\n', 'control');
  } finally {
    writeFileSync(`${policy}/.remove`, profile);
  }
});

here('a profile that is not loaded is named', async (t) => {
  const error = await t.throwsAsync(lab.run({ command, apparmor: 'tsrun-none' }), { instanceOf: SetupError });
  t.like(error, { op: 'setAppArmor', field: '/process/apparmorProfile' });
  t.regex(error.message, /'tsrun-none' is not loaded/);
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
