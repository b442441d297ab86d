/** Manifests and indexes, by tag or digest, checked before anything in them is believed. */
import { parseJson } from '../../spec/json.js';
import { printable, show } from '../../spec/quote.js';
import { nearest, TsrunError } from '../../spec/errors.js';
import { digestOf, isDigest } from '../documents/digest.js';
import { mostDocumentBytes, readImageDocument } from '../documents/manifest.js';
import { isIndexType, isManifestType, mediaTypes } from '../documents/media-types.js';
import { chooseForPlatform } from '../documents/platform.js';
import type { Descriptor, ImageManifest, Platform } from '../documents.js';
import { readBody, wrongAnswer } from './answers.js';
import type { Endpoint, PlacedAnswer } from './endpoint.js';
import { headerOf } from './transport.js';

/** The manifest of one image. */
export interface FoundManifest {
  readonly bytes: Buffer;
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
}

const accept = [mediaTypes.manifest, mediaTypes.index, mediaTypes.dockerManifest, mediaTypes.dockerIndex].join(', ');
/** Lists of lists are allowed (image-index.md). */
const mostLists = 4;
const mostTags = 500;
const mostShownTags = 5;

/** @param asked a tag, or the digest of a manifest or index */
export async function fetchManifest(endpoint: Endpoint, asked: string, platform: Platform, signal: AbortSignal | undefined): Promise<FoundManifest> {
  const name = `'${printable(endpoint.place.name, 256)}'`;
  let wanted: Partial<Descriptor> = isDigest(asked) ? { digest: asked } : {};
  let tag = isDigest(asked) ? undefined : asked;
  for (let lists = 0; lists <= mostLists; lists++) {
    const { bytes, digest, mediaType } = await fetchDocument(endpoint, wanted, tag, signal);
    const source = `the manifest ${tag === undefined ? digest : show(tag)} of ${name}`;
    const document = readImageDocument(bytes, source, mediaType);
    if (document.kind === 'manifest') {
      const type = document.manifest.mediaType ?? mediaType ?? mediaTypes.manifest;
      return { bytes, descriptor: { mediaType: type, digest, size: bytes.length }, manifest: document.manifest };
    }
    wanted = chooseForPlatform(document.index.manifests, platform, name);
    tag = undefined;
  }
  throw new TsrunError('ERR_TSRUN_IMAGE', `${name} is a list of lists of lists, more than ${mostLists} deep`, { hint: 'no tool makes such an image' });
}

interface FoundDocument {
  readonly bytes: Buffer;
  readonly digest: string;
  /** As it was announced: by the index that names it, else by the answer. */
  readonly mediaType: string | undefined;
}

async function fetchDocument(endpoint: Endpoint, wanted: Partial<Descriptor>, tag: string | undefined, signal: AbortSignal | undefined): Promise<FoundDocument> {
  const answer = await endpoint.get(`manifests/${tag ?? wanted.digest ?? ''}`, { accept, 'accept-encoding': 'identity' }, signal);
  if (answer.status !== 200) throw await endpoint.refusal(answer, answer.status === 404 && tag !== undefined ? await tagHint(endpoint, tag, signal) : 'see whether the name is right, and whether that is a registry');
  let bytes;
  try {
    bytes = await readBody(answer, answer.url, mostDocumentBytes);
  } catch (cause) {
    throw endpoint.failure(answer.url, cause);
  }
  return { bytes, digest: checkedDigest(answer, bytes, wanted), mediaType: announcedType(answer, wanted) };
}

function checkedDigest(answer: PlacedAnswer, bytes: Buffer, wanted: Partial<Descriptor>): string {
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
function announcedType(answer: PlacedAnswer, wanted: Partial<Descriptor>): string | undefined {
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
