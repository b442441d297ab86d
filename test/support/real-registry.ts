/** Debian's docker-registry on loopback, filled by skopeo: neither is ours. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { digestOf, types, type Certificate } from './fake-registry.js';

export interface RegistryChoices {
  readonly certificate?: Certificate;
  /** As its configuration has it, in JSON, which is YAML. */
  readonly auth?: object;
}

export class RealRegistry {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    [this.port, this.#child] = [port, child];
  }

  /** @param folder holds what was pushed: several registries may show the same */
  static async start(folder: string, { certificate, auth }: RegistryChoices = {}): Promise<RealRegistry> {
    mkdirSync(folder, { recursive: true });
    const tls = certificate === undefined ? undefined : { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    if (certificate !== undefined && tls !== undefined) {
      writeFileSync(tls.certificate, certificate.cert);
      writeFileSync(tls.key, certificate.key);
    }
    const config = join(folder, 'config.yml');
    writeFileSync(config, JSON.stringify({ version: '0.1', log: { level: 'info' }, storage: { filesystem: { rootdirectory: join(folder, 'data') } }, http: { addr: '127.0.0.1:0', ...(tls && { tls }) }, ...(auth && { auth }) }));
    const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' } });
    let said = '';
    for await (const line of createInterface({ input: child.stderr })) {
      said += `${line}\n`;
      const [, port] = /listening on 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (port === undefined) continue;
      // It goes on to tell of each question.
      child.stderr.resume();
      return new RealRegistry(Number(port), child);
    }
    throw new Error(`docker-registry did not start:\n${said}`);
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

/** An OCI layout with an index of one image for each architecture, all of these layers. */
export function writeLayout(folder: string, architectures: readonly string[], layers: readonly Buffer[]): void {
  const blobs = join(folder, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const add = (bytes: Buffer, mediaType: string) => {
    writeFileSync(join(blobs, digestOf(bytes).slice('sha256:'.length)), bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const json = (value: unknown, mediaType: string) => add(Buffer.from(JSON.stringify(value)), mediaType);
  const manifests = architectures.map((architecture) => {
    const config = json({ os: 'linux', architecture, config: { Cmd: ['/bin/true'] }, rootfs: { type: 'layers', diff_ids: layers.map(digestOf) } }, types.config);
    const manifest = { schemaVersion: 2, mediaType: types.manifest, config, layers: layers.map((layer) => add(layer, types.layer)) };
    return { ...json(manifest, types.manifest), platform: { os: 'linux', architecture } };
  });
  const index = json({ schemaVersion: 2, mediaType: types.index, manifests }, types.index);
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...index, annotations: { 'org.opencontainers.image.ref.name': 'v1' } }] }));
}

export function skopeo(...args: readonly string[]): string {
  return execFileSync('skopeo', ['--insecure-policy', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Hands on to a port, and cuts each connection after so many bytes of answers. */
export async function cuttingRelay(port: number, bytes: number): Promise<{ readonly port: number; readonly cuts: () => number; readonly close: () => void }> {
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server = createServer((socket) => {
    const target = connect(port, '127.0.0.1');
    let left = bytes;
    for (const each of [socket, target]) sockets.add(each.on('error', () => undefined));
    socket.on('close', () => target.destroy()).pipe(target);
    target.on('close', () => socket.end()).on('data', (chunk) => {
      if (left <= 0) return;
      left -= chunk.length;
      socket.write(chunk, () => {
        if (left > 0) return;
        cuts++;
        socket.destroy();
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cuts: () => cuts,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
