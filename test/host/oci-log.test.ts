// `--log` with crun's destinations: a file, the journal, syslog.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Journal, journald } from '../support/log-receivers.js';
import { needs } from '../support/needs.js';
import { ociLab, ociTest } from '../support/oci-lab.js';

const lab = ociLab();
const missing = 'container does not exist';

ociTest('file: is a file; any other text with a colon is a path', (t) => {
  for (const [given, path] of [[`file:${lab.folder}/one.log`, 'one.log'], [`${lab.folder}/with:colon.log`, 'with:colon.log']] as const) {
    for (const again of [1, 2]) {
      t.is(lab.call('--log', given, '--log-format', 'json', 'state', 'nobody').stderr.trim(), missing);
      const lines = readFileSync(join(lab.folder, path), 'utf8').trim().split('\n');
      t.is(lines.length, again);
      t.like(JSON.parse(lines.at(-1) ?? ''), { level: 'error', msg: missing });
    }
  }
  const refused = lab.call('--log', '/no/such/log', 'create', '--bundle', lab.bundle(), 'unlogged');
  t.like(refused, { code: 1, stdout: '' });
  t.regex(refused.stderr, /^open \/no\/such\/log: no such file or directory\n$/);
  t.is(lab.call('state', 'unlogged').stderr.trim(), missing, 'nothing is done that could not be told of');
});

needs('root', 'cgroup2', `file:${journald}`)('journald: an entry with its priority, under the name that is given', async (t) => {
  const journal = await Journal.start();
  try {
    const pid = journal.socket.split('/')[2] ?? '';
    for (const [name, identifier] of [['of-a-test', 'of-a-test'], ['', 'tsrun-oci']] as const) {
      const answer = lab.callWith({ under: ['nsenter', `--mount=/proc/${pid}/ns/mnt`] }, '--log', `journald:${name}`, 'state', 'nobody');
      t.is(answer.stderr.trim(), missing);
      const until = Date.now() + 20_000;
      while (journal.entries(identifier, 'SYSLOG_IDENTIFIER').length === 0 && Date.now() < until) await new Promise((done) => setTimeout(done, 100));
      t.like(journal.entries(identifier, 'SYSLOG_IDENTIFIER')[0], { MESSAGE: missing, PRIORITY: '3' });
    }
  } finally {
    await journal.stop();
  }
});

needs('root', 'cgroup2', 'command:python3')('syslog: a line in the form of syslog(3)', (t) => {
  const [heard, ready] = [join(lab.folder, 'heard'), join(lab.folder, 'ready')];
  const receiver = `import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
open("${ready}", "w").close()
open("${heard}", "wb").write(s.recv(4096))`;
  const script = `mount -t tmpfs tmpfs /dev && mknod /dev/null c 1 3 || exit 1
python3 -c '${receiver}' & until test -e ${ready}; do sleep 0.05; done; "$@"; code=$?; wait; exit $code`;
  const { code, stderr } = lab.callWith({ under: ['unshare', '--mount', 'sh', '-c', script, 'sh'] }, '--log', 'syslog:of-a-test', 'state', 'nobody');
  t.is(code, 1, stderr);
  t.regex(readFileSync(heard, 'utf8'), /^<11>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d of-a-test: container does not exist$/);
});

ociTest('where nobody listens, the command says what it has to say all the same', (t) => {
  const nowhere = ['unshare', '--mount', 'sh', '-c', '[ ! -d /run/systemd ] || mount -t tmpfs tmpfs /run/systemd; exec "$@"', 'sh'];
  t.is(lab.callWith({ under: nowhere }, '--log', 'journald:', 'state', 'nobody').stderr.trim(), missing);
});
