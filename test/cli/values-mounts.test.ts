import test from 'ava';
import { splitCsv } from '../../src/cli/values/csv.js';
import { mount, tmpfs, volume } from '../../src/cli/values/mounts.js';
import { accepts, rejects } from './support.js';

const data = { type: 'bind', source: '/srv', destination: '/data' } as const;

test('-v: source, destination, options', (t) => {
  accepts(t, volume, [
    ['/srv:/data', data],
    ['/srv:/data:rw', data],
    ['/srv:/data:ro', { ...data, readonly: true }],
    ['/srv:/data:ro,rshared,noexec', { ...data, readonly: true, options: ['rshared', 'noexec'] }],
    ['.:/data/', { ...data, source: '.' }],
    ['../x:/a//b/../data', { ...data, source: '../x', destination: '/a/data' }],
  ]);
});

test('-v: what is refused, and why', (t) => {
  rejects(t, volume, [
    ['', /not empty/],
    ['/data', 'expected SRC:DST or SRC:DST:OPTIONS'],
    ['/a:/b:ro:x', /too many colons/],
    ['cache:/data', 'named volumes are not supported, and "cache" is not a path'],
    [':/data', 'the source is empty'],
    ['/srv:data', 'the place in the container must be an absolute path, not "data"'],
    ['/srv:/', 'the root of the container cannot be mounted over'],
    ['/srv:/..', 'the root of the container cannot be mounted over'],
    ['/srv:/data:ro,rw', '"ro" and "rw" exclude each other'],
    ['/srv:/data:z', /^option "z" is refused: SELinux/],
    ['/srv:/data:Z', /^option "Z" is refused: SELinux/],
    ['/srv:/data:nocopy', /^option "nocopy" is refused: it belongs to named volumes/],
    ['/srv:/data:cached', /macOS/],
    ['/srv:/data:rsharde', 'unknown option "rsharde", did you mean "rshared"?'],
    ['/srv:/data:', 'an empty option'],
    ['/srv:/da\0ta', /NUL/],
  ]);
});

test('--mount type=bind: the keys of docker and their other names', (t) => {
  accepts(t, mount, [
    ['type=bind,source=/srv,destination=/data', data],
    ['type=bind,src=/srv,dst=/data', data],
    ['type=bind,src=/srv,target=/data,readonly', { ...data, readonly: true }],
    ['type=bind,src=/srv,target=/data,ro=true', { ...data, readonly: true }],
    ['type=bind,src=/srv,target=/data,readonly=false', data],
    ['type=bind,src=relative,dst=/data', { ...data, source: 'relative' }],
    ['type=bind,"src=/a,b:c",dst=/data', { ...data, source: '/a,b:c' }],
    ['type=bind,src=/srv,dst=/data,bind-propagation=rslave', { ...data, options: ['rslave'] }],
    ['type=bind,src=/srv,dst=/data,bind-recursive=disabled,ro', { ...data, readonly: true, options: ['bind'] }],
    ['type=bind,src=/srv,dst=/data,bind-recursive=enabled', { ...data, options: ['rbind'] }],
  ]);
});

test('--mount type=tmpfs', (t) => {
  accepts(t, mount, [
    ['type=tmpfs,dst=/x', { type: 'tmpfs', destination: '/x' }],
    ['type=tmpfs,dst=/x,tmpfs-size=1m,tmpfs-mode=1777,ro', { type: 'tmpfs', destination: '/x', readonly: true, options: ['size=1048576', 'mode=1777'] }],
  ]);
});

test('--mount: what is refused, and why', (t) => {
  rejects(t, mount, [
    ['type=bind,src=/srv', '"destination" is missing'],
    ['type=bind,dst=/data', '"source" is missing'],
    ['src=/srv,dst=/data', 'named volumes are not supported'],
    ['type=volume,src=x,dst=/data', 'named volumes are not supported'],
    ['type=npipe,src=x,dst=/data', 'unknown type "npipe"'],
    ['type=bind,src=/srv,dst=/data,dst=/x', '"destination" is given twice'],
    ['type=bind,sorce=/srv,dst=/data', 'unknown key "sorce", did you mean "source"?'],
    ['type=bind,src,dst=/data', 'key "src" needs a value'],
    ['type=bind,src=/srv,dst=/data,ro=maybe', 'expected true or false'],
    ['type=bind,src=/srv,dst=/data,volume-nocopy', '"volume-nocopy" is not supported'],
    ['type=bind,src=/srv,dst=/data,tmpfs-size=1m', 'key "tmpfs-size" has no meaning for type=bind'],
    ['type=bind,src=/srv,dst=/data,bind-propagation=loud', 'unknown propagation "loud"'],
    ['type=bind,src=/srv,dst=/data,bind-recursive=writable', '"bind-recursive" cannot be "writable"'],
    ['type=tmpfs,src=/srv,dst=/data', 'key "source" has no meaning for type=tmpfs'],
    ['type=tmpfs,dst=/data,tmpfs-size=lots', /expected a number of bytes/],
    ['type=tmpfs,dst=/data,tmpfs-mode=999', 'option "mode" cannot be "999"'],
    ['type=bind,"src=/srv', 'a double quote is not closed'],
  ]);
});

test('--tmpfs', (t) => {
  accepts(t, tmpfs, [
    ['/x', { type: 'tmpfs', destination: '/x' }],
    ['/x:size=64m,mode=1777,exec', { type: 'tmpfs', destination: '/x', options: ['size=64m', 'mode=1777', 'exec'] }],
    ['/x:ro,uid=5,nr_inodes=1k', { type: 'tmpfs', destination: '/x', readonly: true, options: ['uid=5', 'nr_inodes=1k'] }],
    ['/x:size=50%', { type: 'tmpfs', destination: '/x', options: ['size=50%'] }],
  ]);
  rejects(t, tmpfs, [
    ['x', /absolute path/],
    ['/x:size', 'option "size" needs a value'],
    ['/x:size=64q', 'option "size" cannot be "64q"'],
    ['/x:mode=8', 'option "mode" cannot be "8"'],
    ['/x:sise=1', 'unknown option "sise", did you mean "size"?'],
    ['/x:exce', 'unknown option "exce", did you mean "exec"?'],
  ]);
});

test('comma-separated values', (t) => {
  t.deepEqual(splitCsv('a,b'), ['a', 'b']);
  t.deepEqual(splitCsv('"a,b",c'), ['a,b', 'c']);
  t.deepEqual(splitCsv('"a""b"'), ['a"b']);
  t.deepEqual(splitCsv('a"b,'), ['a"b', '']);
});
