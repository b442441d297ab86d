/** A registry in this process that can be told to misbehave, and a host of its client whose clock goes as fast as it is asked to. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { OfferedImage } from '../../src/image/offer.js';
import { TsrunError } from '../../src/spec/errors.js';
import type { RegistryHost } from '../../src/image/registry/registry-host.js';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers by itself, and says true, or leaves it to the registry. */
export type Intercept = (request: Seen, response: ServerResponse) => boolean;

export interface Certificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
};

export function digestOf(bytes: Buffer | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export class FakeRegistry {
  readonly seen: Seen[] = [];
  readonly manifests = new Map<string, { readonly bytes: Buffer; readonly type: string }>();
  readonly blobs = new Map<string, Buffer>();
  intercept: Intercept = () => false;
  ranges = true;
  readonly #server: Server;

  readonly port: number;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(certificate?: Certificate, clientCa?: string): Promise<FakeRegistry> {
    const tls = certificate === undefined ? undefined : { cert: certificate.cert, key: certificate.key, ...(clientCa !== undefined && { ca: clientCa, requestCert: true }) };
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const registry = new FakeRegistry(server);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void registry.#answer(request, response);
    });
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Nobody listens, until `resume`. */
  pause(): void {
    this.#server.close();
  }

  async resume(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Paths that were asked for, but for the first question. */
  get paths(): readonly string[] {
    return this.seen.map(({ url }) => url).filter((url) => url !== '/v2/');
  }

  addManifest(value: unknown, type: string, ...tags: string[]): { digest: string; size: number; mediaType: string } {
    const bytes = Buffer.from(JSON.stringify(value));
    for (const name of [digestOf(bytes), ...tags]) this.manifests.set(name, { bytes, type });
    return { digest: digestOf(bytes), size: bytes.length, mediaType: type };
  }

  addBlob(content: Buffer | string, mediaType: string): { digest: string; size: number; mediaType: string } {
    const bytes = Buffer.from(content);
    this.blobs.set(digestOf(bytes), bytes);
    return { digest: digestOf(bytes), size: bytes.length, mediaType };
  }

  /** An image of these layers, which need be no archives. */
  addImage(tag: string, layers: readonly (Buffer | string)[], architecture = goArchitecture) {
    const config = { os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: layers.map(digestOf) } };
    return this.addManifest(
      { schemaVersion: 2, mediaType: types.manifest, config: this.addBlob(JSON.stringify(config), types.config), layers: layers.map((layer) => this.addBlob(layer, types.layer)) },
      types.manifest,
      tag,
    );
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    this.seen.push(seen);
    if (this.intercept(seen, response)) return;
    const [, kind = '', name = ''] = /^\/v2\/[\w./-]+\/(manifests|blobs)\/([^?]+)$/.exec(seen.url) ?? [];
    const manifest = kind === 'manifests' ? this.manifests.get(name) : undefined;
    const blob = kind === 'blobs' ? this.blobs.get(name) : undefined;
    if (seen.url === '/v2/') response.end('{}');
    else if (manifest !== undefined) response.writeHead(200, { 'content-type': manifest.type, 'docker-content-digest': digestOf(manifest.bytes) }).end(manifest.bytes);
    else if (blob !== undefined) sendBlob(blob, seen, response, this.ranges);
    else refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  }
}

function sendBlob(blob: Buffer, { headers }: Seen, response: ServerResponse, ranges: boolean): void {
  const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? [];
  if (from === undefined || !ranges) response.writeHead(200, { 'content-length': blob.length }).end(blob);
  else response.writeHead(206, { 'content-range': `bytes ${from}-${blob.length - 1}/${blob.length}` }).end(blob.subarray(Number(from)));
}

export function refuse(response: ServerResponse, status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ errors: [{ code, message }] }));
}

const goArchitecture = process.arch === 'x64' ? 'amd64' : process.arch;

/** A folder for a test's files, and what makes hosts over it. */
export class FakeHosts {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'tsrun-registry-')));
  readonly sleeps: number[] = [];
  nowMs = 1_800_000_000_000;

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** @param name a path in the host: `home/.docker/config.json`, `etc/containers/registries.conf` */
  write(name: string, content: string, mode = 0o600): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode });
    return path;
  }

  host(environment: Readonly<Record<string, string>> = {}): RegistryHost {
    return {
      environment: { PATH: process.env['PATH'], XDG_RUNTIME_DIR: join(this.folder, 'run'), ...environment },
      home: join(this.folder, 'home'),
      uid: 1000,
      etc: join(this.folder, 'etc'),
      now: () => this.nowMs,
      sleep: (delayMs) => {
        this.sleeps.push(delayMs);
        this.nowMs += delayMs;
        return Promise.resolve();
      },
      random: () => 1,
      timeouts: { connectMs: 5000, headersMs: 30_000, stallMs: 30_000, helperMs: 30_000 },
    };
  }

  /** Signed by a certificate authority of its own, for 127.0.0.1 and localhost; by openssl(1). */
  certificate(name: string): Certificate {
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'ignore'] });
    const key = (file: string) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${file}.key`];
    openssl('req', '-x509', ...key(`${name}-ca`), '-out', `${name}-ca.crt`, '-subj', `/CN=${name} authority`, '-days', '2', '-addext', 'basicConstraints=critical,CA:TRUE');
    openssl('req', '-x509', ...key(name), '-out', `${name}.crt`, '-subj', `/CN=${name}`, '-days', '2', '-CA', `${name}-ca.crt`, '-CAkey', `${name}-ca.key`,
      '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE');
    const read = (file: string) => readFileSync(join(this.folder, file), 'utf8');
    return { ca: read(`${name}-ca.crt`), cert: read(`${name}.crt`), key: read(`${name}.key`) };
  }
}

/** What a test of one file pulls from and with; what it made is gone at its end. */
export function registryLab(t: ExecutionContext): { readonly hosts: FakeHosts; readonly start: (certificate?: Certificate, clientCa?: string) => Promise<FakeRegistry> } {
  const hosts = new FakeHosts();
  t.teardown(() => {
    hosts.remove();
  });
  return {
    hosts,
    start: async (certificate, clientCa) => {
      const registry = await FakeRegistry.start(certificate, clientCa);
      t.teardown(() => {
        registry.close();
      });
      return registry;
    },
  };
}

/** The bytes of a layer from an offset on. */
export async function layerBytes(image: OfferedImage, layer = 0, offset = 0, signal?: AbortSignal): Promise<Buffer> {
  const parts: Buffer[] = [];
  const stream = await image.layers[layer]?.open({ offset, signal });
  for await (const part of (stream ?? []) as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

/** The error with which something ends that must not succeed. */
export async function failureOf(work: Promise<unknown>): Promise<TsrunError> {
  try {
    await work;
  } catch (error) {
    if (TsrunError.is(error)) return error;
    throw error;
  }
  throw new Error('it succeeded');
}
