import test from 'ava';
import { foreignInterpreter } from '../../src/host/binfmt.js';
import { fakeReader } from './fake-host.js';

const folder = '/proc/sys/fs/binfmt_misc';
/** As Debian's qemu-user-static registers them. */
const magic = { arm64: '7f454c460201010000000000000000000200b700', s390x: '7f454c4602020100000000000000000000020016' };
const mask = 'ffffffffffffff00fffffffffffffffffeffffff';
const bigMask = 'ffffffffffffff00fffffffffffffffffffeffff';

function entry(parts: { readonly state?: string; readonly flags?: string; readonly magic?: string; readonly mask?: string } = {}): string {
  return `${parts.state ?? 'enabled'}\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: ${parts.flags ?? 'POF'}\noffset 0\nmagic ${parts.magic ?? magic.arm64}\nmask ${parts.mask ?? mask}\n`;
}

function find(architecture: string, text: string, status = 'enabled\n'): string | undefined {
  return foreignInterpreter(architecture, fakeReader({ files: { [`${folder}/status`]: status, [`${folder}/qemu`]: text } }), ['qemu']);
}

test('an interpreter is found by the head of a program that it takes', (t) => {
  t.is(find('arm64', entry()), '/usr/libexec/qemu-binfmt/aarch64-binfmt-P');
  t.truthy(find('s390x', entry({ magic: magic.s390x, mask: bigMask })));
});

test('none is found for another processor, one that nobody knows, where it is off, or where a container cannot reach it', (t) => {
  t.is(find('riscv64', entry()), undefined);
  t.is(find('s390x', entry()), undefined);
  t.is(find('toString', entry()), undefined);
  t.is(find('arm64', entry({ state: 'disabled' })), undefined);
  t.is(find('arm64', entry(), 'disabled\n'), undefined);
  t.is(find('arm64', entry({ flags: 'PO' })), undefined);
  t.is(find('arm64', 'enabled\ninterpreter /usr/bin/python3\nflags: F\nextension .py\n'), undefined);
  t.is(foreignInterpreter('arm64', fakeReader({ files: {} }), ['qemu']), undefined);
});
