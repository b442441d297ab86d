/** Why a try to deliver failed, in a sentence, and without what the address may hold of secrets. */
import { printable } from '../../spec/quote.js';
import { DeliveryError } from './sink.js';

const untrusted = new Set([
  'CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CERT_REVOKED', 'CERT_REJECTED', 'CERT_UNTRUSTED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID', 'INVALID_CA', 'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EAI_AGAIN: 'the name could not be looked up',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the other side hung up',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'the file system is full',
  ENOTFOUND: 'there is no host of that name',
  EPIPE: 'the other side hung up',
  ETIMEDOUT: 'no connection came about in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection came about in time',
  UND_ERR_SOCKET: 'the other side hung up',
};

export function failureOf(name: string, error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const code = codeOf(error);
  const isCertificate = untrusted.has(code);
  const said = error instanceof Error ? printable(error.message, 200) : 'unknown';
  const why = isCertificate ? `its certificate is not to be trusted (${code})` : (reasons[code] ?? (code === '' ? said : `${printable(code)}: ${said}`));
  return new DeliveryError(`${name}: ${why}`, { isCertificate, cause: error, ...(isCertificate && { hint: 'give the certificate of who signed it (ca), and the name that stands in it' }) });
}

/** Several addresses of one name fail together, and undici wraps. */
function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
  return '';
}
