import test from 'ava';
import { changesOfProgram } from '../../../src/container/changes/own-paths.js';
import type { PathChange } from '../../../src/image/image-types.js';

const none = { mounts: [], files: [], folders: [] };

function change(line: string): PathChange {
  const [letter, path = ''] = line.split(' ');
  return { path, kind: letter === 'A' ? 'added' : letter === 'C' ? 'changed' : 'removed', bytes: 0 };
}

function lines(changes: readonly PathChange[]): string[] {
  return changes.map(({ kind, path }) => `${kind === 'added' ? 'A' : kind === 'changed' ? 'C' : 'D'} ${path}`);
}

test('the folders above a change have changed, each is told of once, and all are in the order of their bytes', (t) => {
  const changes = ['D /z/é', 'A /a/b/new', 'C /a/b', 'A /a/b.c', 'C /a/b/\u{10000}', 'C /a/b/\ufffd'].map(change);
  t.deepEqual(lines(changesOfProgram(changes, none)), ['C /a', 'C /a/b', 'A /a/b.c', 'A /a/b/new', 'C /a/b/\ufffd', 'C /a/b/\u{10000}', 'C /z', 'D /z/é']);
});

test('what lies at a mount point or below it was made for it, and nobody sees it', (t) => {
  const changes = ['C /proc', 'D /proc/old', 'A /data', 'A /data/in', 'A /data/in/volume', 'A /database'].map(change);
  t.deepEqual(lines(changesOfProgram(changes, { ...none, mounts: ['/proc', '/data/in/volume'] })), ['A /database']);
  t.deepEqual(lines(changesOfProgram(changes, none)).length, changes.length, 'control');
});

test('a folder that was made for a mount is told of when the program has put something into it', (t) => {
  const changes = ['A /data', 'A /data/in', 'A /data/own', 'A /data/in/volume'].map(change);
  t.deepEqual(lines(changesOfProgram(changes, { ...none, mounts: ['/data/in/volume'] })), ['A /data', 'A /data/own']);
});

test("tsrun's files and the working directory that it made do not count; what a program made in it does", (t) => {
  const own = { mounts: [], files: ['/etc/hosts'], folders: ['/srv/app'] };
  t.deepEqual(lines(changesOfProgram(['A /etc', 'A /etc/hosts', 'A /srv', 'A /srv/app'].map(change), own)), []);
  t.deepEqual(lines(changesOfProgram(['A /etc', 'A /etc/hosts', 'A /etc/own', 'A /srv', 'A /srv/app', 'A /srv/app/made'].map(change), own)), ['A /etc', 'A /etc/own', 'A /srv', 'A /srv/app', 'A /srv/app/made']);
  t.deepEqual(lines(changesOfProgram(['C /srv', 'D /etc'].map(change), own)), ['D /etc', 'C /srv'], 'what was there was not made');
});
