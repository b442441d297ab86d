/** A connection that failed, or an answer that is a refusal, as a sentence with what to do about it. */
import { printable } from '../../spec/quote.js';
import { TsrunError } from '../../spec/errors.js';

/** Where a question went, without what a URL may hold of secrets: presigned ones have them in their query. */
export function placeOf(url: URL): string {
  return printable(`${url.origin}${url.pathname}`, 256);
}

/** The nearest code below an error: undici wraps, and several addresses of one name fail together. */
export function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
  return '';
}

const untrusted = new Set([
  'CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CERT_UNTRUSTED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID', 'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What a server that speaks plain HTTP, or nothing that is TLS, makes of a handshake. */
const noTls = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST', 'ERR_SSL_UNEXPECTED_MESSAGE']);

/** Another try may end otherwise. A refused connection is told at once: mostly it is a port that was mistyped. */
const lost = new Set(['ECONNRESET', 'EPIPE', 'ENETRESET', 'UND_ERR_SOCKET', 'UND_ERR_BODY_TIMEOUT']);
const slow = new Set(['EAI_AGAIN', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT']);

/** True for a lost connection or a time that ran out. */
export function isPassing(error: unknown): boolean {
  return isLost(error) || isSlow(error);
}

/** True where the other side hung up. */
export function isLost(error: unknown): boolean {
  return lost.has(codeOf(error));
}

/** True for what took its time already: who waits for it five times has been forgotten. */
export function isSlow(error: unknown): boolean {
  return slow.has(codeOf(error));
}

/** True where the other side does not speak TLS. */
export function speaksNoTls(error: unknown): boolean {
  return noTls.has(codeOf(error));
}

/** True where nobody listens; also as it is told, and at one of several places. */
export function isRefused(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isRefused);
  return codeOf(TsrunError.is(error) ? error.cause : error) === 'ECONNREFUSED' || (TsrunError.is(error) && error.cause instanceof AggregateError && isRefused(error.cause));
}

const reasons: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  ENOTFOUND: ['there is no host of that name', 'what stands before the first slash of a reference is the registry; see whether the name resolves: getent hosts NAME'],
  EAI_AGAIN: ['the name could not be looked up', 'the name server does not answer: see /etc/resolv.conf'],
  EPIPE: ['the other side hung up', 'the registry, or something before it, ended the connection: try again'],
  ECONNRESET: ['the other side hung up', 'the registry, or something before it, ended the connection: try again'],
  ECONNREFUSED: ['nobody listens there', 'see whether the registry runs, and on which port'],
  EHOSTUNREACH: ['no way leads there', 'see this host\'s routes and firewall'],
  ENETUNREACH: ['no way leads there', 'see this host\'s routes and firewall'],
  UND_ERR_CONNECT_TIMEOUT: ['no connection came about in time', 'a firewall may drop what goes there; a proxy is taken from HTTPS_PROXY'],
  UND_ERR_HEADERS_TIMEOUT: ['no answer came in time', 'the registry may be overloaded: try again later'],
  UND_ERR_BODY_TIMEOUT: ['the answer stalled', 'try again: what was fetched is kept'],
  UND_ERR_HEADERS_OVERFLOW: ['the answer\'s headers are too large', 'is that address a registry\'s?'],
};

/** A question that got no answer. Names of hosts and files come from people and are quoted already. */
export function connectionError(url: URL, cause: unknown, certificates: readonly string[]): TsrunError {
  if (TsrunError.is(cause)) return cause;
  const [why, hint] = reasonOf(codeOf(cause), cause, certificates);
  return new TsrunError('ERR_TSRUN_REGISTRY', `${placeOf(url)}: ${why}`, { hint, cause });
}

function reasonOf(code: string, cause: unknown, certificates: readonly string[]): readonly [why: string, hint: string] {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return [`its certificate is for another host (${code})`, 'ask for it by a name that stands in its certificate, or have it get one for this name'];
  }
  if (untrusted.has(code)) {
    const names = certificates.map((folder) => `'${folder}/ca.crt'`).join(' or ');
    return [`its certificate is not to be trusted (${code})`, `put the certificate of who signed it into ${names}; or let this registry go unverified: --tls-verify=false`];
  }
  if (noTls.has(code)) return ['it does not speak TLS', 'if it speaks plain HTTP and you trust the network between, allow that for this registry: --tls-verify=false, or insecure in registries.conf'];
  const known = reasons[code];
  if (known !== undefined) return known;
  const said = cause instanceof Error ? printable(cause.message, 200) : 'unknown';
  return [`the connection failed (${code === '' ? said : `${printable(code)}: ${said}`})`, 'try again; if it stays so, see whether other programs reach that address'];
}

/** What the caller's signal ended. */
export function abortedError(what: string, cause: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_ABORTED', `${what} was aborted`, { cause });
}
