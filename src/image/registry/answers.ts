/** Bodies of answers, read up to a bound, and what a registry says of why it refuses. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { parseJson, type JsonObject, type JsonValue } from '../../spec/json.js';
import { printable } from '../../spec/quote.js';
import { TsrunError } from '../../spec/errors.js';
import { redact } from './credential.js';
import { codeOf, placeOf } from './failures.js';
import { headerOf, type HttpAnswer } from './transport.js';

const unzip = promisify(gunzip);
const longestReason = 300;
const mostReasonBytes = 65_536;

/** @throws ERR_TSRUN_REGISTRY beyond `mostBytes`, packed or not; what the connection throws */
export async function readBody(answer: HttpAnswer, url: URL, mostBytes: number): Promise<Buffer> {
  const announced = Number(headerOf(answer, 'content-length') ?? 0);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    if (announced > mostBytes) throw tooLarge(url, mostBytes);
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > mostBytes) throw tooLarge(url, mostBytes);
      chunks.push(chunk);
    }
  } finally {
    answer.body.destroy();
  }
  return decoded(Buffer.concat(chunks), answer, url, mostBytes);
}

/** Nobody asked for a packed answer, but some proxies pack whatever passes. */
async function decoded(bytes: Buffer, answer: HttpAnswer, url: URL, mostBytes: number): Promise<Buffer> {
  const encoding = (headerOf(answer, 'content-encoding') ?? 'identity').toLowerCase();
  if (encoding === 'identity' || encoding === '') return bytes;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') throw wrongAnswer(url, `the answer is packed as '${printable(encoding)}', which was not asked for`);
  try {
    return await unzip(bytes, { maxOutputLength: mostBytes });
  } catch (cause) {
    throw codeOf(cause) === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(url, mostBytes) : wrongAnswer(url, 'the answer says that it is packed with gzip, but cannot be unpacked', cause);
  }
}

function tooLarge(url: URL, mostBytes: number): TsrunError {
  return wrongAnswer(url, `the answer is larger than ${mostBytes} bytes`);
}

/** An answer that no registry should give. */
export function wrongAnswer(url: URL, why: string, cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_REGISTRY', `${placeOf(url)}: ${why}`, { hint: 'the registry, or a proxy before it, is broken, or it is none', cause });
}

/** Status and the registry's own words, `403 (denied: …)`. */
export async function reasonOf(answer: HttpAnswer, url: URL, secrets: Iterable<string>): Promise<string> {
  const body = await readBody(answer, url, mostReasonBytes).then((bytes) => bytes.toString('utf8'), () => '');
  const isPage = (headerOf(answer, 'content-type') ?? '').includes('html');
  const said = redact(isPage ? '' : wordsOf(body), secrets).trim();
  return said === '' ? String(answer.status) : `${answer.status} (${printable(said, longestReason)})`;
}

/** As distribution-spec has errors, and as servers that give tokens do (RFC 6749 5.2). */
function wordsOf(body: string): string {
  const value = valueOf(body);
  if (value === undefined) return body;
  const listed = Array.isArray(value['errors']) ? value['errors'].flatMap((each) => (isObject(each) ? [each] : [])) : [];
  const words = (listed.length > 0 ? listed : [value]).map((each) => {
    const parts = [each['code'] ?? each['error'], each['message'] ?? each['error_description'] ?? each['details']];
    return parts.filter((part) => typeof part === 'string').join(': ');
  });
  return words.filter((each) => each !== '').join('; ');
}

function valueOf(text: string): JsonObject | undefined {
  try {
    const value = parseJson(text, 'answer');
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
