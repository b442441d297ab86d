// Filters that an earlier process compiled: taken over whole and from the same build only, and never in the way of a start.
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { filterStore } from '../../../src/container/state/filter-store.js';
import { SeccompCache } from '../../../src/engine/seccomp.js';
import { defaultSeccomp, defaultSeccompName } from '../../../src/spec/seccomp-profile.js';

const folder = mkdtempSync(join(tmpdir(), 'tsrun-filters-'));
const compiler = join(folder, 'compiler');
writeFileSync(compiler, 'a build');
test.after.always(() => { rmSync(folder, { recursive: true }); });

const profileOf = (...capabilities: string[]) => defaultSeccomp({ arch: 'x64', capabilities, userNamespace: true });
let turn = 0;

function makeCache(at = join(folder, String(turn++))) {
  const compiled: number[] = [];
  const open = () => new SeccompCache(() => Uint8Array.from(Array.from({ length: 16 }, () => compiled.push(0))), 'x64', filterStore(at, compiler));
  return { at, compiled, open };
}

test('a later process takes over what an earlier one compiled', (t) => {
  const { at, compiled, open } = makeCache();
  const filter = open().compile(profileOf());
  t.deepEqual(Buffer.from(open().compile(profileOf())), Buffer.from(filter));
  t.is(compiled.length, 16, 'one compilation');
  open().compile(profileOf('CAP_SYS_ADMIN'));
  t.is(compiled.length, 32, 'another profile is another filter');
  t.is(readdirSync(at).length, 2);
  t.is(statSync(at).mode & 0o777, 0o700);
});

test('names tell profiles apart', (t) => {
  const names = [profileOf(), profileOf('CAP_CHOWN'), profileOf('CAP_KILL'), defaultSeccomp({ arch: 'x64', capabilities: [], userNamespace: false }), defaultSeccomp({ arch: 'arm64', capabilities: [], userNamespace: true })].map(defaultSeccompName);
  t.is(new Set(names).size, 5);
  t.is(defaultSeccompName(profileOf('CAP_KILL', 'CAP_CHOWN')), defaultSeccompName(profileOf('CAP_CHOWN', 'CAP_KILL')));
  t.is(defaultSeccompName(structuredClone(profileOf())), undefined, 'what only looks like it has none');
});

test('what another build compiled is not used, nor what is cut short or too long', (t) => {
  const { at, compiled, open } = makeCache();
  open().compile(profileOf());
  utimesSync(compiler, 1, 1);
  open().compile(profileOf());
  t.is(compiled.length, 32);
  for (const name of readdirSync(at)) writeFileSync(join(at, name), 'short');
  open().compile(profileOf());
  t.is(compiled.length, 48);
  // BPF_MAXINSNS
  for (const name of readdirSync(at)) writeFileSync(join(at, name), Buffer.alloc(4096 * 8));
  open().compile(profileOf());
  t.is(compiled.length, 48, 'control');
  for (const name of readdirSync(at)) writeFileSync(join(at, name), Buffer.alloc(4097 * 8));
  open().compile(profileOf());
  t.is(compiled.length, 64);
});

test('profiles of others are not kept, and a folder that cannot be written to is no error', (t) => {
  const { at, open } = makeCache();
  open().compile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] });
  t.throws(() => readdirSync(at), { code: 'ENOENT' });
  t.notThrows(() => makeCache(join(compiler, 'below-a-file')).open().compile(profileOf()));
});
