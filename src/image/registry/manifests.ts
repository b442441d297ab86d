/** Manifests and indexes, by tag or digest, checked before anything in them is believed. */
import { parseJson } from '../../spec/json.js';
import { printable, show } from '../../spec/quote.js';
import { nearest } from '../../spec/errors.js';
import { digestOf, isDigest } from '../documents/digest.js';
import { mostDocumentBytes } from '../documents/manifest.js';
import { isIndexType, isManifestType, mediaTypes } from '../documents/media-types.js';
import type { RawDocument } from '../documents/search.js';
import type { Descriptor } from '../documents.js';
import { readBody, wrongAnswer } from './answers.js';
import type { Endpoint, PlacedAnswer } from './endpoint.js';
import { headerOf } from './transport.js';

const accept = [mediaTypes.manifest, mediaTypes.index, mediaTypes.dockerManifest, mediaTypes.dockerIndex].join(', ');
const mostTags = 500;
const mostShownTags = 5;

/** @param asked a tag, or the digest of a manifest or index */
export async function fetchDocument(endpoint: Endpoint, asked: string, signal: AbortSignal | undefined): Promise<RawDocument> {
  return isDigest(asked) ? fetchNamed(endpoint, { digest: asked }, signal) : fetchAt(endpoint, asked, {}, signal);
}

/** What an index names. */
export async function fetchNamed(endpoint: Endpoint, wanted: WantedDocument & { readonly digest: string }, signal: AbortSignal | undefined): Promise<RawDocument> {
  return fetchAt(endpoint, undefined, wanted, signal);
}

/** What is known of a document before it is asked for. */
type WantedDocument = Partial<Descriptor>;

async function fetchAt(endpoint: Endpoint, tag: string | undefined, wanted: WantedDocument, signal: AbortSignal | undefined): Promise<RawDocument> {
  const answer = await endpoint.get(`manifests/${tag ?? wanted.digest ?? ''}`, { accept, 'accept-encoding': 'identity' }, signal);
  if (answer.status !== 200) throw await endpoint.refusal(answer, answer.status === 404 && tag !== undefined ? await tagHint(endpoint, tag, signal) : 'see whether the name is right, and whether that is a registry');
  let bytes;
  try {
    bytes = await readBody(answer, answer.url, mostDocumentBytes);
  } catch (cause) {
    throw endpoint.failure(answer.url, cause);
  }
  const digest = checkedDigest(answer, bytes, wanted);
  return { bytes, digest, mediaType: announcedType(answer, wanted), label: `the manifest ${tag === undefined ? digest : show(tag)} of '${printable(endpoint.place.name, 256)}'` };
}

function checkedDigest(answer: PlacedAnswer, bytes: Buffer, wanted: WantedDocument): string {
  const digest = digestOf(bytes);
  if (wanted.digest !== undefined && wanted.digest !== digest) throw wrongAnswer(answer.url, `the manifest ${wanted.digest} was asked for, what came is ${digest}`);
  if (wanted.size !== undefined && wanted.size !== bytes.length) throw wrongAnswer(answer.url, `the manifest has ${bytes.length} bytes, the index that names it says ${wanted.size}`);
  const said = answer.headers['docker-content-digest'];
  if (said === undefined || said === digest) return digest;
  // Of another algorithm: nothing to compare with.
  if (typeof said === 'string' && /^(?!sha256:)[a-z\d]+:[\da-f]{32,}$/.test(said)) return digest;
  throw wrongAnswer(answer.url, `the answer calls itself ${show(said)}, but is ${digest}`);
}

/** What is announced decides what is read; two that differ are an attack, or a fault (CVE-2021-41190). */
function announcedType(answer: PlacedAnswer, wanted: WantedDocument): string | undefined {
  const said = (headerOf(answer, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  // `application/json` and the like of a server that does not know: the document says it itself.
  const known = isIndexType(said) || isManifestType(said) || said.includes('vnd.docker.distribution.manifest.v1') ? said : undefined;
  if (known !== undefined && wanted.mediaType !== undefined && wanted.mediaType !== known) {
    throw wrongAnswer(answer.url, `the index says that it is '${printable(wanted.mediaType)}', the answer '${known}'`);
  }
  return wanted.mediaType ?? known;
}

/** For a tag that is not there: those that are. */
async function tagHint(endpoint: Endpoint, tag: string, signal: AbortSignal | undefined): Promise<string> {
  const tags = await tagsOf(endpoint, signal).catch(() => []);
  const similar = nearest(tag, tags);
  if (similar !== undefined) return `did you mean the tag '${printable(similar)}'?`;
  if (tags.length === 0) return 'see whether the name is right: the registry knows no tag of it';
  return `it has the tags ${tags.slice(-mostShownTags).map((each) => printable(each)).join(', ')}${tags.length > mostShownTags ? ' and others' : ''}`;
}

async function tagsOf(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<readonly string[]> {
  const answer = await endpoint.get(`tags/list?n=${mostTags}`, {}, signal);
  const bytes = await readBody(answer, answer.url, mostDocumentBytes);
  const value = answer.status === 200 ? parseJson(bytes.toString('utf8'), 'tags') : null;
  const tags = typeof value === 'object' && value !== null && !Array.isArray(value) ? value['tags'] : [];
  return Array.isArray(tags) ? tags.slice(0, mostTags).filter((each) => typeof each === 'string') : [];
}
