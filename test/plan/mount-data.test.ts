import test from 'ava';
import { checkMountData } from '../../src/plan/mount-data.js';
import { TsrunError } from '../../src/spec/errors.js';

const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const maps = { uidMappings: map, gidMappings: [...map, { containerID: 80_000, hostID: 500_000, size: 1 }] };

function fault(type: string, ...options: string[]): TsrunError | undefined {
  try {
    checkMountData({ type, options, maps, at: '/mounts/3/options' });
    return undefined;
  } catch (error) {
    if (TsrunError.is(error)) return error;
    throw error;
  }
}

const taken: readonly (readonly [type: string, words: string])[] = [
  ['tmpfs', 'nosuid,strictatime,mode=755,size=65536k'], ['tmpfs', 'ro,rro,rprivate,noexec,size=50%,nr_blocks=4k,nr_inodes=0x10,mode=01777,uid=65535,gid=80000,huge=within_size,mpol=bind:0,inode64,noswap'],
  ['tmpfs', 'context="system_u:object_r:container_file_t:s0",sync,lazytime,async,defaults'], ['tmpfs', 'usrquota,usrquota_block_hardlimit=1g,casefold=utf8-12.1.0'],
  ['proc', 'hidepid=invisible,gid=5,subset=pid'], ['proc', 'hidepid=2,nosuid'], ['sysfs', 'nosuid,noexec,nodev,ro'], ['mqueue', 'nosuid'],
  ['devpts', 'nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5,max=1024'], ['cgroup', 'nosuid,noexec,nodev,relatime,ro'], ['cgroup2', 'nsdelegate,memory_recursiveprot'],
  ['ext4', 'whatever=1'], ['overlay', 'lowerdir=/a:/b'],
];

test('what the kernel takes', (t) => {
  for (const [type, words] of taken) t.is(fault(type, ...words.split(','))?.message, undefined, `${type} ${words}`);
});

test('what it does not is told of with its place, the value, and what would do', (t) => {
  for (const [type, word, message, hint] of [
    ['tmpfs', 'rwo', 'unknown mount option "rwo"', /^did you mean "ro"\?$/],
    ['tmpfs', 'siez=1m', 'unknown mount option "siez=1m"', /^did you mean "size"\?$/],
    ['tmpfs', '', 'unknown mount option ""', /^known are size, .*ro/],
    ['tmpfs', 'constructor', 'unknown mount option "constructor"', /./],
    ['tmpfs', 'size', '"size" is not what size takes', /bytes/],
    ['tmpfs', 'size=', '"size=" is not what size takes', /bytes/],
    ['tmpfs', 'size=lots', '"size=lots" is not what size takes', /bytes/],
    ['tmpfs', 'mode=9', '"mode=9" is not what mode takes', /octal/],
    ['tmpfs', 'huge=yes', '"huge=yes" is not what huge takes', /never, always/],
    ['tmpfs', 'noswap=1', '"noswap=1" is not what noswap takes', /no value/],
    ['tmpfs', 'uid=root', '"uid=root" is not what uid takes', /a number/],
    ['tmpfs', 'uid=70000', 'uid 70000 does not exist in the container', /id map/],
    ['tmpfs', 'gid=80001', 'gid 80001 does not exist in the container', /id map/],
    ['devpts', 'gid=70000', 'gid 70000 does not exist in the container', /id map/],
    ['proc', 'hidepid=5', '"hidepid=5" is not what hidepid takes', /invisible/],
    ['sysfs', 'size=1', 'unknown mount option "size=1"', /./],
    ['cgroup', 'nsdelgate', 'unknown mount option "nsdelgate"', /nsdelegate/],
  ] as const) {
    const error = fault(type, 'nosuid', word);
    t.is(error?.code, 'ERR_TSRUN_INVALID_SPEC', word);
    t.is(error?.field, '/mounts/3/options/1');
    t.is(error?.message, `spec /mounts/3/options/1: ${message}`);
    t.regex(error?.hint ?? '', hint, word);
  }
});

test('without maps every id is one, up to the largest that there is', (t) => {
  const check = (word: string) => () => { checkMountData({ type: 'tmpfs', options: [word], maps: undefined, at: '' }); };
  t.notThrows(check('uid=4294967294'));
  t.throws(check('uid=4294967295'), { code: 'ERR_TSRUN_INVALID_SPEC' } as object);
});
