// What a platform's rules make of what an image says.
import test from 'ava';
import type { FormationOptions } from '../../src/index.js';
import { checkProfile, imposed, lineProgram, ownLine } from '../../src/dyno/profile.js';
import type { ImageConfig } from '../../src/image/documents.js';

function imageOf(config: NonNullable<ImageConfig['config']>): ImageConfig {
  return { os: 'linux', architecture: 'amd64', config, rootfs: { type: 'layers', diff_ids: [] } };
}

test('who runs it is another one each time, never root, and of no group of the image; volumes and its signal do not count', (t) => {
  const all = Array.from({ length: 50 }, imposed);
  for (const { user, imageVolumes, stopSignal } of all) {
    const [uid, gid] = (user ?? '').split(':').map(Number);
    t.true(uid !== undefined && uid >= 20_000 && uid < 60_000 && gid === uid, user);
    t.deepEqual([imageVolumes, stopSignal], ['ignore', 'SIGTERM']);
  }
  t.true(new Set(all.map(({ user }) => user)).size > 10);
});

test('CMD is one line, as the log of Heroku shows it', (t) => {
  const lines: readonly (readonly [cmd: readonly string[], line: string])[] = [
    [['/bin/sh', '-c', 'node run.js'], '/bin/sh -c node\\ run.js'],
    [['/bin/sh', '-c', 'gunicorn --bind 0.0.0.0:$PORT wsgi'], '/bin/sh -c gunicorn\\ --bind\\ 0.0.0.0:\\$PORT\\ wsgi'],
    [['haproxy', '-f', '/usr/local/etc/haproxy/haproxy.cfg'], 'haproxy -f /usr/local/etc/haproxy/haproxy.cfg'],
    [['echo', '', "it's", 'a\nb', 'é😀'], "echo '' it\\'s a'\n'b \\é\\😀"],
  ];
  for (const [cmd, line] of lines) t.is(ownLine(cmd), line);
});

test('a line is one word of ENTRYPOINT, else for a login shell', (t) => {
  t.deepEqual(lineProgram(imageOf({ Entrypoint: ['/docker-entrypoint.sh', '-v'], Cmd: ['x'] }), 'haproxy -f a'), { entrypoint: ['/docker-entrypoint.sh', '-v'], command: ['haproxy -f a'] });
  for (const image of [imageOf({ Entrypoint: [] }), imageOf({ Cmd: ['x'] }), undefined]) t.deepEqual(lineProgram(image, 'bash'), { entrypoint: ['/bin/sh', '-l', '-c'], command: ['bash'] });
});

test('what nobody could ask Heroku for is refused with the profile, and with the profile alone', (t) => {
  const profile = 'heroku-container';
  const refused: readonly (readonly [options: FormationOptions, field: string])[] = [
    [{ container: { user: 'root' } }, '/container/user'],
    [{ container: { capAdd: ['NET_RAW'] } }, '/container/capAdd'],
    [{ container: { capDrop: [] } }, '/container/capDrop'],
    [{ container: { privileged: true } }, '/container/privileged'],
    [{ container: { sysctls: { 'net.core.somaxconn': '9' } } }, '/container/sysctls'],
    [{ container: { mounts: [] } }, '/container/mounts'],
    [{ container: { root: 'writable' } }, '/container/root'],
    [{ processTypes: { worker: { stopSignal: 'SIGINT' } } }, '/processTypes/worker/stopSignal'],
    [{ stopSignal: 'SIGINT' }, '/stopSignal'],
    [{ delivery: 'main' }, '/delivery'],
    [{ processTypes: { worker: { delivery: 'main' } } }, '/processTypes/worker/delivery'],
    [{ processTypes: { web: { health: 'image' } } }, '/processTypes/web/health'],
  ];
  for (const [options, field] of refused) {
    t.throws(() => { checkProfile({ ...options, profile }); }, { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: `option ${field}: the profile heroku-container has no such thing` });
    t.notThrows(() => { checkProfile(options); });
  }
  const allowed: FormationOptions = { profile, container: { memory: '1g', network: 'user' }, processTypes: { web: { graceMs: 5, health: [] } } };
  t.notThrows(() => { checkProfile(allowed); });
});
