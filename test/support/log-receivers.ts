/** Who takes logs and is not ours: Debian's rsyslog, and systemd's journal in a mount namespace of its own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Certificate } from './fake-registry.js';
import { freePort } from './free-port.js';
import { until } from './until.js';

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** On TCP and UDP at one port, or on TCP with TLS. */
export class Rsyslog {
  readonly port: number;
  readonly #file: string;
  readonly #child: ChildProcess;

  private constructor(port: number, file: string, child: ChildProcess) {
    [this.port, this.#file, this.#child] = [port, file, child];
  }

  static async start(folder: string, certificate?: Certificate): Promise<Rsyslog> {
    mkdirSync(folder, { recursive: true });
    const at = (name: string) => join(folder, name);
    const port = await freePort();
    for (const [name, text] of Object.entries(certificate ?? {})) writeFileSync(at(`${name}.pem`), String(text));
    const tls = `DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="${at('ca.pem')}" DefaultNetstreamDriverCertFile="${at('cert.pem')}" DefaultNetstreamDriverKeyFile="${at('key.pem')}"`;
    writeFileSync(at('conf'), [
      `global(workDirectory="${folder}" maxMessageSize="64k" ${certificate === undefined ? '' : tls})`,
      `module(load="imtcp"${certificate === undefined ? '' : ' streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon"'})`,
      ...(certificate === undefined ? ['module(load="imudp")', `input(type="imudp" address="127.0.0.1" port="${port}")`] : []),
      `input(type="imtcp" address="127.0.0.1" port="${port}")`,
      'template(name="all" type="string" string="%pri% %timestamp:::date-rfc3339% %hostname% %app-name% %procid% %msgid% %structured-data% %msg%\\n")',
      `*.* action(type="omfile" file="${at('received')}" template="all")`,
      '',
    ].join('\n'));
    const child = spawn('rsyslogd', ['-n', '-f', at('conf'), '-i', at('pid')], { stdio: ['ignore', 'ignore', 'inherit'] });
    const answers = async () => new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => {
        resolve(false);
      });
    });
    await until(answers, 'rsyslogd to listen');
    return new Rsyslog(port, at('received'), child);
  }

  /** PRI, time, host, app, procid, msgid, structured data and message of what came over the network. */
  get lines(): string[] {
    const lines = existsSync(this.#file) ? readFileSync(this.#file, 'utf8').split('\n').slice(0, -1) : [];
    return lines.filter((line) => !line.includes(' rsyslogd'));
  }

  async stop(): Promise<void> {
    await stop(this.#child);
  }
}

export const journald = '/lib/systemd/systemd-journald';

const journalScript = `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
[ -d /etc/systemd ] && mount -t tmpfs tmpfs /etc/systemd && printf '[Journal]\\nStorage=volatile\\nReadKMsg=no\\nAudit=no\\nRateLimitBurst=0\\n' > /etc/systemd/journald.conf
exec ${journald}`;

/** Beside that of the host, if it has one. */
export class Journal {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(): Promise<Journal> {
    const journal = new Journal(spawn('unshare', ['--mount', 'sh', '-c', journalScript], { stdio: 'ignore' }));
    await until(() => existsSync(journal.socket), 'journald to listen');
    return journal;
  }

  get socket(): string {
    return `/proc/${this.#child.pid ?? 0}/root/run/systemd/journal/socket`;
  }

  /** Entries of this app, or with this value in another field, as JSON of journalctl(1). */
  entries(value: string, field = 'TSRUN_APP'): Record<string, unknown>[] {
    const folder = `/proc/${this.#child.pid ?? 0}/root/run/log/journal`;
    const text = execFileSync('journalctl', ['--directory', folder, '--all', '-o', 'json', '--no-pager', `${field}=${value}`], { encoding: 'utf8', maxBuffer: 2 ** 26, stdio: ['ignore', 'pipe', 'ignore'] });
    return text.split('\n').filter((line) => line !== '').map((line) => jsonObject(line));
  }

  async stop(): Promise<void> {
    await stop(this.#child);
  }
}

function jsonObject(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
