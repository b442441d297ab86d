/** Where a drain goes, out of a URL. What a URL holds of credentials is in no error and in no name. */
import { fileURLToPath } from 'node:url';
import { TsrunError, nearest } from '../../spec/errors.js';
import { printable, show } from '../../spec/quote.js';
import { readSize } from '../../spec/size.js';
import type { FileForm } from './frames.js';

interface Named {
  /** For people. */
  readonly name: string;
}

export interface HttpTarget extends Named {
  readonly kind: 'http';
  /** Without credentials and fragment. */
  readonly url: URL;
  readonly authorization: string | undefined;
}

export interface SyslogTarget extends Named {
  readonly kind: 'syslog';
  readonly transport: 'tcp' | 'tls' | 'udp';
  readonly host: string;
  readonly port: number;
  readonly framing: 'octets' | 'lf';
}

export interface FileTarget extends Named {
  readonly kind: 'file';
  readonly path: string;
  readonly form: FileForm;
  readonly mostBytes: number;
  /** Full files beside the one that is written to. */
  readonly keep: number;
}

export interface JournalTarget extends Named {
  readonly kind: 'journal';
  readonly path: string;
}

export type Target = HttpTarget | SyslogTarget | FileTarget | JournalTarget;

/** What any URL of a drain may say of the drain itself. */
export interface DrainSettingsInUrl {
  readonly token?: string;
  readonly bufferBytes?: number;
  readonly blocks?: boolean;
  /** A file of certificates. */
  readonly caFile?: string;
}

export interface ParsedDrain {
  readonly target: Target;
  readonly settings: DrainSettingsInUrl;
}

const everywhere = ['token', 'buffer', 'block'];
const schemes: Readonly<Record<string, { readonly own: readonly string[]; readonly parse: (url: URL, words: Words) => Target }>> = {
  'https:': { own: ['ca'], parse: httpTarget },
  'http:': { own: ['plaintext'], parse: httpTarget },
  'syslog:': { own: ['framing'], parse: (url, words) => syslogTarget(url, words, 'tcp', 514) },
  'syslog+tcp:': { own: ['framing'], parse: (url, words) => syslogTarget(url, words, 'tcp', 514) },
  'syslog+tls:': { own: ['framing', 'ca'], parse: (url, words) => syslogTarget(url, words, 'tls', 6514) },
  'syslog+udp:': { own: [], parse: (url, words) => syslogTarget(url, words, 'udp', 514) },
  'file:': { own: ['max', 'keep', 'form'], parse: fileTarget },
  'journald:': { own: [], parse: (url) => ({ kind: 'journal', name: 'journald:', path: url.pathname === '' ? '/run/systemd/journal/socket' : decodeURIComponent(url.pathname) }) },
};

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function parseDrainUrl(text: string): ParsedDrain {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw invalid('expected the URL of a drain', 'such as https://user:password@host/path, syslog+tls://host:6514 or file:///var/log/app.log');
  const known = Object.keys(schemes).map((scheme) => scheme.slice(0, -1));
  const scheme = Object.hasOwn(schemes, url.protocol) ? schemes[url.protocol] : undefined;
  if (scheme === undefined) throw invalid(`no drain goes over ${show(url.protocol.slice(0, -1))}`, meant(url.protocol.slice(0, -1), known));
  const words = new Words(url, [...scheme.own, ...everywhere]);
  const [token, ca] = [words.text('token', /^[\w.-]{1,64}$/), words.text('ca')];
  const bufferBytes = words.size('buffer');
  const blocks = words.choice('block', ['yes', 'no']);
  return {
    target: scheme.parse(url, words),
    settings: { ...(token !== undefined && { token }), ...(bufferBytes !== undefined && { bufferBytes }), ...(blocks !== undefined && { blocks: blocks === 'yes' }), ...(ca !== undefined && { caFile: ca }) },
  };
}

/** `name=value&…` of a URL: behind `#` where what stands behind `?` is the receiver's. */
class Words {
  readonly #words: URLSearchParams;

  constructor({ protocol, search, hash }: URL, known: readonly string[]) {
    const [own, other] = protocol.startsWith('http') ? [hash, ''] : [search, hash];
    if (other !== '') throw invalid('nothing may stand behind "#" here', 'settings stand behind "?"');
    this.#words = new URLSearchParams(own.slice(1));
    for (const name of this.#words.keys()) {
      if (!known.includes(name)) throw invalid(`unknown setting ${show(name)}`, meant(name, known));
      if (this.#words.getAll(name).length > 1) throw invalid(`the setting ${name} is given twice`, 'leave one away');
    }
  }

  text(name: string, form = /./): string | undefined {
    const value = this.#words.get(name) ?? undefined;
    if (value !== undefined && (!form.test(value) || value.includes('\0'))) throw invalid(`the setting ${name} has a value that is not allowed`, `it must match ${form.source}`);
    return value;
  }

  choice<const T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.text(name);
    const found = allowed.find((each) => each === value);
    if (value !== undefined && found === undefined) throw invalid(`the setting ${name} is ${show(value)}`, `it may be ${allowed.join(', ')}`);
    return found;
  }

  size(name: string): number | undefined {
    const value = this.text(name);
    const bytes = readSize(value);
    if (value !== undefined && (bytes === undefined || bytes < 1024 || bytes > 2 ** 40)) throw invalid(`the setting ${name} is no size from 1k to 1t`, 'such as 10m');
    return bytes;
  }
}

function httpTarget(url: URL, words: Words): HttpTarget {
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && words.choice('plaintext', ['yes', 'no']) !== 'yes') {
    throw invalid('logs would travel in plain text', 'use https, or append #plaintext=yes if you trust the network between');
  }
  const [user, password] = [url.username, url.password].map(decodeURIComponent);
  const authorization = url.username === '' && url.password === '' ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const bare = new URL(url);
  [bare.username, bare.password, bare.hash] = ['', '', ''];
  // Not even the path: with some receivers it is the key.
  return { kind: 'http', url: bare, authorization, name: printable(`${bare.origin}/`, 256) };
}

function syslogTarget(url: URL, words: Words, transport: SyslogTarget['transport'], defaultPort: number): SyslogTarget {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '' || url.username !== '' || url.password !== '' || !/^\/?$/.test(url.pathname)) throw invalid('expected a host and a port, and nothing else', `such as ${url.protocol}//logs.example.com:${defaultPort}`);
  const port = url.port === '' ? defaultPort : Number(url.port);
  const framing = transport === 'udp' ? 'octets' : (words.choice('framing', ['octets', 'lf']) ?? 'octets');
  return { kind: 'syslog', transport, host, port, framing, name: printable(`${url.protocol}//${url.hostname}:${port}/`, 256) };
}

function fileTarget(url: URL, words: Words): FileTarget {
  if (url.host !== '' || url.pathname.endsWith('/') || /%00|%2f/i.test(url.pathname)) throw invalid('expected the absolute path of a file', 'such as file:///var/log/app.log');
  const path = fileURLToPath(`file://${url.pathname}`);
  const keep = Number(words.text('keep', /^\d{1,3}$/) ?? 5);
  const form = words.choice('form', ['text', 'json', 'docker', 'syslog', 'logplex']) ?? 'text';
  return { kind: 'file', path, keep, form, mostBytes: words.size('max') ?? 10 * 2 ** 20, name: `file://${printable(url.pathname, 256)}` };
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function meant(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? `there are ${known.join(', ')}` : `did you mean ${show(near)}?`;
}

function invalid(message: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { hint });
}
