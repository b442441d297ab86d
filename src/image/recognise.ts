/** What a person means by an image: a folder, images in a file or folder, or a name. Nothing is opened here but folders, and nothing is asked of anybody. */
import { stat } from 'node:fs/promises';
import { errnoName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';
import { printable } from '../spec/quote.js';
import { examineFolder, resolveImage, type ImageChoices } from './folder.js';
import { isReference, parseReference, referenceFault, type RegistryReference } from './reference.js';
import type { ResolvedImage } from './resolved-image.js';
import type { LocalSource } from './sources/open-source.js';

export type ImagePlace =
  /** To be run as it lies there. */
  | { readonly kind: 'folder'; readonly image: ResolvedImage }
  /** To be imported; `name` says which, of several. */
  | { readonly kind: 'source'; readonly source: LocalSource; readonly name?: string }
  /** Of a registry, even if the store knows one of that name: `docker://…`. */
  | { readonly kind: 'registry'; readonly reference: RegistryReference }
  | NamedPlace;

/** Of the store or of a registry. At least one of the two is there. */
export interface NamedPlace {
  readonly kind: 'name';
  readonly text: string;
  readonly reference?: RegistryReference;
  /** Hexadecimal digits: the first ones of a digest, where the text may also be that. */
  readonly idPrefix?: string;
}

type Found = (rest: string) => Promise<ImagePlace>;

/** By what stands before the first colon, as skopeo and podman spell it. */
const prefixes: ReadonlyMap<string, Found> = new Map<string, Found>([
  ['oci', (rest) => named('oci', rest)],
  ['oci-archive', (rest) => named('oci-archive', rest)],
  ['docker-archive', (rest) => named('docker-archive', rest)],
  ['dir', (path) => Promise.resolve({ kind: 'source', source: { form: 'dir', path } })],
  ['slug', (path) => Promise.resolve({ kind: 'source', source: { form: 'slug', path } })],
  ['rootfs', async (path) => ({ kind: 'folder', image: await resolveImage(path, { kind: 'rootfs' }) })],
  ['bundle', async (path) => ({ kind: 'folder', image: await resolveImage(path, { kind: 'bundle' }) })],
]);

/** Of skopeo's, those whose images lie with another engine. */
const engines = ['containers-storage', 'docker-daemon', 'ostree', 'sif', 'atomic', 'tarball'];

/**
 * @throws ERR_TSRUN_IMAGE where there is nothing of the kind; ERR_TSRUN_INVALID_ARGUMENT for a reference that means nothing;
 * ERR_TSRUN_INVALID_SPEC for a bundle's config.json
 */
export async function recognise(text: string, choices: ImageChoices = {}): Promise<ImagePlace> {
  if (choices.kind !== undefined) return { kind: 'folder', image: await resolveImage(text, choices) };
  const [, prefix = '', rest = ''] = /^([a-z][a-z-]*):(.*)$/s.exec(text) ?? [];
  if (prefix === 'docker' && rest.startsWith('//')) return { kind: 'registry', reference: parseReference(rest.slice(2)) };
  if (engines.includes(prefix)) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `'${printable(text, 300)}' lies with another engine, whose store is not read`, { hint: `copy it: skopeo copy ${printable(text, 200)} oci-archive:image.tar` });
  }
  const found = prefixes.get(prefix);
  if (found === undefined) return withoutPrefix(text);
  if (rest === '') throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `'${printable(text)}' does not say where the image is`, { hint: `a path stands behind it: ${prefix}:PATH` });
  return found(rest);
}

/** A path wins over a name: it is there. What starts like a path is never a name, by the grammar of names. */
async function withoutPrefix(text: string): Promise<ImagePlace> {
  const isPath = /^[./~]/.test(text);
  const place = await whatLiesAt(text);
  if (place !== undefined) return place;
  if (mayBeName(text)) return nameOf(text);
  const [path, name] = isPath ? await splitExisting(text) : [text];
  const split = name === undefined ? undefined : await whatLiesAt(path);
  if (split?.kind === 'source' && name !== undefined) return { ...split, name };
  if (isPath) return { kind: 'folder', image: await resolveImage(text) }; // Which says why there is nothing.
  throw new TsrunError('ERR_TSRUN_IMAGE', `there is no image '${printable(text, 300)}': no file or folder is called so, and as a name it is none: ${referenceFault(text) ?? ''}`, {
    hint: (await hintOfPath(text)) ?? 'name a folder, an archive, or an image of a registry as docker does',
  });
}

/** For a text that was taken for a name: it may be meant as that of an image in a file which lies here. */
export async function hintOfPath(text: string): Promise<string | undefined> {
  const [path, name] = await splitExisting(text);
  if (name === undefined || !(await exists(path))) return undefined;
  return `'${printable(path, 200)}' is there: if an image in it is meant, start the path with a dot: ./${printable(text, 300)}`;
}

async function whatLiesAt(path: string): Promise<ImagePlace | undefined> {
  // An empty path and one with a NUL are told of by who resolves folders.
  if (path !== '' && !path.includes('\0')) {
    const status = await stat(path).catch((cause: unknown) => errnoName(cause));
    if (status === 'ENOENT' || status === 'ENOTDIR' || status === 'ENAMETOOLONG') return undefined;
    if (typeof status === 'object' && !status.isDirectory()) return { kind: 'source', source: { form: 'any', path } };
  }
  const found = await examineFolder(path);
  return found.kind === 'packed' ? { kind: 'source', source: { form: found.form, path: found.path } } : { kind: 'folder', image: found };
}

async function named(form: 'oci' | 'oci-archive' | 'docker-archive', rest: string): Promise<ImagePlace> {
  const [path, name] = await splitExisting(rest);
  return { kind: 'source', source: { form, path }, ...(name !== undefined && name !== '' && { name }) };
}

/** Path and name, at the first colon as skopeo has it; at a later one if only there a path that exists ends. */
async function splitExisting(text: string): Promise<readonly [path: string, name?: string]> {
  const colons = [...text.matchAll(/:/g)].slice(0, 16).map(({ index }) => index);
  for (const colon of colons) if (await exists(text.slice(0, colon))) return [text.slice(0, colon), text.slice(colon + 1)];
  const [first] = colons;
  if (first === undefined || (await exists(text))) return [text];
  return [text.slice(0, first), text.slice(first + 1)];
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}

const digits = /^(sha256:)?([\da-f]{4,64})$/;

function mayBeName(text: string): boolean {
  return isReference(text) || digits.test(text);
}

function nameOf(text: string): NamedPlace {
  const [, algorithm, idPrefix] = digits.exec(text) ?? [];
  const isName = algorithm === undefined && isReference(text);
  return { kind: 'name', text, ...(isName && { reference: parseReference(text) }), ...(idPrefix !== undefined && { idPrefix }) };
}
