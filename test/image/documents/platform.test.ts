import test from 'ava';
import { mediaTypes } from '../../../src/image/documents/media-types.js';
import { candidatesForPlatform, checkPlatform, hostPlatform, parsePlatform, platformFitness, platformName } from '../../../src/image/documents/platform.js';
import type { Descriptor } from '../../../src/image/documents.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { someDigest } from './documents.js';

let size = 0;
function entry(platform?: string, mediaType: string = mediaTypes.manifest): Descriptor {
  return { mediaType, digest: someDigest, size: size++, ...(platform !== undefined && { platform: parsePlatform(platform) }) };
}

test('platforms as people write them', (t) => {
  const rows: [text: string, name: string][] = [
    ['linux/amd64', 'linux/amd64'], ['LINUX/x86_64', 'linux/amd64'], ['arm64', 'linux/arm64'], ['linux/aarch64/v8', 'linux/arm64/v8'],
    ['armhf', 'linux/arm/v7'], ['linux/armel', 'linux/arm/v6'], ['linux/arm/v5', 'linux/arm/v5'], ['arm/v6', 'linux/arm/v6'], ['x86_64/v2', 'linux/amd64/v2'], ['armhf/v6', 'linux/arm/v6'], ['windows/386', 'windows/386'],
  ];
  for (const [text, name] of rows) t.is(platformName(parsePlatform(text)), name);
  for (const text of ['', '/', 'linux/', 'a/b/c/d', 'arm64/', 'arm64/v8/x/y', 'linux/arm 64', 'linux//v8', 'windows', 'x', 'plan9']) {
    t.is(t.throws(() => parsePlatform(text), { instanceOf: TsrunError, message: /is not a platform/ }, text).code, 'ERR_TSRUN_INVALID_ARGUMENT');
  }
  t.is(hostPlatform().os, 'linux');
  t.deepEqual(['linux', 'Linux'].map(parsePlatform), [hostPlatform(), hostPlatform()]);
  t.deepEqual(['riscv64', 's390x', 'X86_64'].map((text) => platformName(parsePlatform(text))), ['linux/riscv64', 'linux/s390x', 'linux/amd64']);
  t.true(['amd64', 'arm64'].includes(hostPlatform().architecture));
});

test('a machine runs what is made for its variant and those before it', (t) => {
  const rows: [offered: string, wanted: string, runs: boolean][] = [
    ['arm64', 'arm64/v8'.replace('arm64', 'linux/arm64'), true], ['linux/arm64/v8', 'arm64', true], ['linux/arm/v6', 'linux/arm/v7', true],
    ['linux/arm/v7', 'linux/arm/v6', false], ['linux/amd64/v3', 'amd64', false], ['linux/amd64', 'linux/amd64/v3', true], ['linux/amd64/v2', 'linux/amd64/v3', true],
    ['arm64', 'amd64', false], ['windows/amd64', 'amd64', false], ['linux/arm/v7', 'arm64', false], ['linux/amd64/odd', 'amd64', false], ['linux/amd64/odd', 'linux/amd64/odd', true],
  ];
  for (const [offered, wanted, runs] of rows) t.is(platformFitness(parsePlatform(offered), parsePlatform(wanted)) > 0, runs, `${offered} on ${wanted}`);
});

test('of several the nearest is chosen', (t) => {
  const [v5, v6, v7, amd] = [entry('linux/arm/v5'), entry('linux/arm/v6'), entry('linux/arm/v7'), entry('amd64')];
  const list = [v5, v6, v7, amd];
  t.deepEqual(candidatesForPlatform(list, parsePlatform('linux/arm/v7'), 'x'), [v7]);
  t.deepEqual(candidatesForPlatform([v5, v6, amd], parsePlatform('linux/arm/v7'), 'x'), [v6]);
  t.deepEqual(candidatesForPlatform(list, parsePlatform('amd64'), 'x'), [amd]);
  const [v1, v3, twin] = [entry('linux/amd64/v1'), entry('linux/amd64/v3'), entry('amd64')];
  t.deepEqual(candidatesForPlatform([v1, v3, twin], parsePlatform('linux/amd64'), 'x'), [v1]);
  t.deepEqual(candidatesForPlatform([v1, v3, twin], parsePlatform('linux/amd64/v3'), 'x'), [v3]);
  t.deepEqual(candidatesForPlatform([v1, v3], parsePlatform('linux/amd64/v2'), 'x'), [v1]);
});

test('entries without a platform are taken where none says that it is for it', (t) => {
  const [unsaid, arm, signature] = [entry(), entry('arm64'), entry(undefined, 'application/x-signature')];
  t.deepEqual(candidatesForPlatform([arm, unsaid, signature], parsePlatform('amd64'), 'x'), [unsaid]);
  t.deepEqual(candidatesForPlatform([arm, unsaid], parsePlatform('arm64'), 'x'), [arm]);
  const other = entry();
  t.deepEqual(candidatesForPlatform([unsaid, arm, other], parsePlatform('amd64'), 'x'), [unsaid, other]);
});

test('the error lists what there is', (t) => {
  const attestation = { ...entry(), platform: { os: 'unknown', architecture: 'unknown' } };
  const error = t.throws(() => candidatesForPlatform([entry('arm64'), entry('linux/arm/v7'), attestation], parsePlatform('amd64'), 'x'), { instanceOf: TsrunError });
  t.is(error.message, 'x has no image for linux/amd64: it is for linux/arm64, linux/arm/v7');
  t.regex(error.hint ?? '', /--platform/);
  t.throws(() => candidatesForPlatform([], parsePlatform('amd64'), 'x'), { message: 'x holds no image' });
  t.throws(() => { checkPlatform(parsePlatform('arm64'), parsePlatform('amd64'), 'x'); }, { message: 'x has no image for linux/amd64: it is for linux/arm64' });
  t.notThrows(() => { checkPlatform(parsePlatform('arm64'), parsePlatform('arm64'), 'x'); });
});
