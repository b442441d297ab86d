import test from 'ava';
import { familiarName, shortDigest, splitName } from '../../src/cli/image-names.js';

test('a whole name is shortened as docker shortens it, and no other', (t) => {
  const names = ['docker.io/library/alpine:3.20', 'docker.io/team/app:1', 'ghcr.io/library/app:1', 'docker.io/library/a/b:1', 'rootfs'];
  t.deepEqual(names.map(familiarName), ['alpine:3.20', 'team/app:1', 'ghcr.io/library/app:1', 'library/a/b:1', 'rootfs']);
});

test('name and tag are told apart, also with a port and a digest', (t) => {
  t.deepEqual(splitName('docker.io/library/alpine:3.20'), { repository: 'alpine', tag: '3.20' });
  t.deepEqual(splitName('localhost:5000/team/app'), { repository: 'localhost:5000/team/app', tag: '<none>' });
  t.deepEqual(splitName('localhost:5000/team/app:v1@sha256:00'), { repository: 'localhost:5000/team/app', tag: 'v1' });
  t.deepEqual(splitName('localhost:5000/app@sha256:00'), { repository: 'localhost:5000/app', tag: '<none>' });
  t.deepEqual(splitName(undefined), { repository: '<none>', tag: '<none>' });
});

test('a digest is shown by its first twelve figures', (t) => {
  t.is(shortDigest(`sha256:${'0123456789abcdef'.repeat(4)}`), '0123456789ab');
});
