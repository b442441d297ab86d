/**
 * Names of images as docker writes and completes them (distribution's `reference` grammar): `alpine` is
 * `docker.io/library/alpine:latest`. Nothing here asks whether there is such an image.
 */
import { TsrunError } from '../spec/errors.js';
import { printable } from '../spec/quote.js';
import { digestFault } from './documents/digest.js';

/** A name, whole but for its tag, which stands for nothing where there is a digest. */
export interface RegistryReference {
  /** `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly domain: string;
  /** `library/alpine` */
  readonly path: string;
  /** `latest` where neither tag nor digest was given. */
  readonly tag?: string;
  /** Of the manifest. Beside a tag, it is the digest that counts. */
  readonly digest?: string;
}

/** What `docker run alpine` asks, and where docker's own images lie there. */
const defaultDomain = 'docker.io';
const officialPrefix = 'library/';
const defaultTag = 'latest';

const longestPath = 255;
/** Longer than anything that the parts allow: no pattern is tried on more. */
const longestText = 1024;

const hostName = /^(?:(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d])(?:\.(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d]))*|\[[a-fA-F\d:]+\])(?::(\d+))?$/;
const component = /^[a-z\d]+(?:(?:[._]|__|-+)[a-z\d]+)*$/;
const tagRule = /^\w[\w.-]{0,127}$/;
const id = /^[\da-f]{64}$/;

/**
 * A name as a person writes it, completed.
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT with the part that breaks the grammar
 */
export function parseReference(text: string): RegistryReference {
  const parsed = readReference(text);
  if ('fault' in parsed) {
    const hint = parsed.hint ?? 'write it as docker does: name, name:tag, host:port/path/name:tag, name@sha256:…';
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `'${printable(text, 300)}' is not the name of an image: ${parsed.fault}`, { hint });
  }
  return parsed;
}

/** May `text` be the name of an image? */
export function isReference(text: string): boolean {
  return referenceFault(text) === undefined;
}

/** Why `text` cannot be the name of an image, as part of a sentence. */
export function referenceFault(text: string): string | undefined {
  const parsed = readReference(text);
  return 'fault' in parsed ? parsed.fault : undefined;
}

/** The whole name, which `parseReference` takes back: `docker.io/library/alpine:3.20`. */
export function wholeName({ domain, path, tag, digest }: RegistryReference): string {
  return `${domain}/${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** Beside a digest a tag says nothing, and what is pulled by both has none. */
export function withoutIdleTag({ tag, ...reference }: RegistryReference): RegistryReference {
  return reference.digest === undefined && tag !== undefined ? { ...reference, tag } : reference;
}

/** The name as docker shows it, without what it would complete but for the tag: `alpine:3.20`. */
export function shortName(reference: RegistryReference): string {
  const { domain, path } = reference;
  if (domain !== defaultDomain) return wholeName(reference);
  const rest = path.startsWith(officialPrefix) ? path.slice(officialPrefix.length) : path;
  const isSame = !rest.includes('/') || domainOf(rest).domain === defaultDomain;
  return isSame ? wholeName({ ...reference, path: rest }).slice(defaultDomain.length + 1) : wholeName(reference);
}

interface Fault {
  readonly fault: string;
  readonly hint?: string;
}

function readReference(text: string): RegistryReference | Fault {
  if (text === '') return { fault: 'it is empty' };
  if (text.length > longestText) return { fault: `it is longer than ${longestText} characters` };
  if (/^\w+:\/\//.test(text)) return { fault: 'it starts with a scheme', hint: 'leave the scheme out: host:port/path/name:tag' };
  if (id.test(text)) return { fault: '64 hexadecimal digits are the id of an image, not its name' };
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const { domain, rest } = domainOf(named);
  const colon = rest.lastIndexOf(':');
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  const name = colon < 0 ? rest : rest.slice(0, colon);
  const path = domain === defaultDomain && !name.includes('/') ? officialPrefix + name : name;
  const fault = domainFault(domain) ?? pathFault(name, path) ?? tagFault(tag) ?? (digest === undefined ? undefined : digestFault(digest));
  if (fault !== undefined) return { fault };
  if (digest !== undefined) return { domain, path, ...(tag !== undefined && { tag }), digest };
  return { domain, path, tag: tag ?? defaultTag };
}

/** Docker's rule: what stands before the first slash is a host if nothing else could look so. */
function domainOf(named: string): { readonly domain: string; readonly rest: string } {
  const slash = named.indexOf('/');
  const first = named.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  if (slash < 0 || !isHost) return { domain: defaultDomain, rest: named };
  // Where docker's registry was found until 2015; docker still takes it for the same.
  return { domain: first === 'index.docker.io' ? defaultDomain : first, rest: named.slice(slash + 1) };
}

function domainFault(domain: string): string | undefined {
  const [match, port] = hostName.exec(domain) ?? [];
  if (match === undefined) return `'${printable(domain)}' is neither a host nor host:port`;
  return port === undefined || (Number(port) > 0 && Number(port) < 65536) ? undefined : `there is no port ${printable(port)}`;
}

function pathFault(name: string, path: string): string | undefined {
  if (name === '') return 'the name is missing';
  if (path.length > longestPath) return `its path is longer than ${longestPath} characters`;
  const bad = name.split('/').find((part) => !component.test(part));
  if (bad === undefined) return undefined;
  if (bad === '') return 'its path has an empty part';
  if (component.test(bad.toLowerCase())) return `'${printable(bad)}' must be in lower case`;
  return `'${printable(bad)}' may hold lower-case letters, digits, and single dots, one or two underscores, or dashes between them`;
}

function tagFault(tag: string | undefined): string | undefined {
  if (tag === undefined || tagRule.test(tag)) return undefined;
  return `a tag has 1 to 128 letters, digits, underscores, dots and dashes, and starts with neither of the last two: '${printable(tag)}'`;
}
