/** A registry as a source of images. */
import { printable } from '../../spec/quote.js';
import { checkImage, readConfig } from '../documents/config.js';
import { layerKind } from '../documents/media-types.js';
import { checkPlatform, hostPlatform, PlatformError } from '../documents/platform.js';
import { searchImage, type DocumentSource, type FoundManifest } from '../documents/search.js';
import type { Descriptor, Platform } from '../documents.js';
import type { OfferedBlob, OfferedImage } from '../offer.js';
import { parseReference, wholeName, type RegistryReference } from '../reference.js';
import { TsrunError } from '../../spec/errors.js';
import { checkAuthFile } from './auth-file.js';
import { BlobReader } from './blob.js';
import { Endpoint } from './endpoint.js';
import { abortedError } from './failures.js';
import { firstOf } from './first-of.js';
import { fetchDocument, fetchNamed } from './manifests.js';
import { placesOf } from './places.js';
import { registriesConfig, type RegistriesConfig } from './registries-conf.js';
import { thisHost, type RegistryHost } from './registry-host.js';
import { checkChoice, wholeReferences } from './short-names.js';

export interface RegistryOptions {
  /** Default: this machine's. */
  readonly platform?: Platform | undefined;
  /** `false`: plain HTTP, or a certificate that nobody vouches for, is allowed. Default true. */
  readonly tlsVerify?: boolean | undefined;
  /** The only file in which credentials are looked for. */
  readonly authFile?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Of who keeps blobs: one that is there already, or is fetched for it. Default: it is fetched. */
  readonly take?: ((blob: OfferedBlob) => Promise<Buffer>) | undefined;
  /** For tests. Default: this process's. */
  readonly host?: RegistryHost | undefined;
}

/**
 * The image that a name stands for, on its registry or a mirror of it. Layers come from where the manifest was, or from a place
 * further down the list of mirrors.
 *
 * @param name as a person writes it, `alpine`, which registries.conf may complete otherwise than docker does; or completed already
 * @throws ERR_TSRUN_INVALID_ARGUMENT for what is no name; ERR_TSRUN_REGISTRY; ERR_TSRUN_IMAGE for documents that break their
 * specification, and for an image of another platform; ERR_TSRUN_ABORTED
 */
export async function offerFromRegistry(name: string | RegistryReference, options: RegistryOptions = {}): Promise<OfferedImage> {
  const reference = typeof name === 'string' ? parseReference(name) : name;
  const text = typeof name === 'string' ? name : wholeName(name);
  const { signal } = options;
  try {
    const host = options.host ?? thisHost();
    if (options.authFile !== undefined) await checkAuthFile(options.authFile);
    const config = await registriesConfig(host);
    const names = wholeReferences(text, reference, config);
    checkChoice(text, names, config);
    return await offerFirst(names, (each) => offer(each, config, host, options));
  } catch (error) {
    throw signal?.aborted === true ? abortedError(`the pull of '${printable(text, 256)}'`, signal.reason) : error;
  }
}

async function offerFirst(references: readonly RegistryReference[], action: (reference: RegistryReference) => Promise<OfferedImage>): Promise<OfferedImage> {
  const errors: TsrunError[] = [];
  for (const reference of references) {
    try {
      return await action(reference);
    } catch (error) {
      if (!TsrunError.is(error) || error.code !== 'ERR_TSRUN_REGISTRY') throw error;
      errors.push(error);
    }
  }
  const [first] = errors;
  if (first !== undefined && errors.length === 1) throw first;
  const told = errors.map(({ message }, index) => `'${wholeName(references[index] ?? { domain: '', path: '' })}': ${message}`);
  throw new TsrunError('ERR_TSRUN_REGISTRY', `none of the registries that registries.conf names has it: ${told.join('; ')}`, { hint: 'write the registry before the name', cause: new AggregateError(errors) });
}

async function offer(reference: RegistryReference, config: RegistriesConfig, host: RegistryHost, options: RegistryOptions): Promise<OfferedImage> {
  const { signal, authFile, platform = hostPlatform(), tlsVerify = true } = options;
  const { domain, path, tag, digest } = reference;
  const asked = digest ?? tag ?? 'latest';
  const endpoints = placesOf(`${domain}/${path}`, digest !== undefined, config, !tlsVerify).map((place) => new Endpoint(place, authFile, host));
  const close = async () => {
    await Promise.all(endpoints.map((endpoint) => endpoint.close()));
  };
  try {
    const name = wholeName(digest === undefined ? { domain, path, tag: asked } : { domain, path, digest });
    const found = await firstOf(endpoints, `'${name}'`, signal, async (endpoint) => {
      const blobs = new BlobReader(endpoints.slice(endpoints.indexOf(endpoint)), host);
      const source: DocumentSource<{ readonly read: Promise<ReadImage> }> = {
        name: `'${printable(endpoint.place.name, 256)}'`,
        depth: 0,
        read: (descriptor) => fetchNamed(endpoint, descriptor, signal),
        open: async (manifest) => {
          const read = readImage(manifest, blobs, name, { ...options, platform });
          // What else is wrong with it is so at every place: blobs have been looked for at all of them.
          await read.catch((error: unknown) => { if (error instanceof PlatformError) throw error; });
          return { read };
        },
      };
      return searchImage(source, await fetchDocument(endpoint, asked, signal), platform);
    });
    const { manifest: { bytes, descriptor, manifest }, config, blobs } = await found.read;
    const layers = manifest.layers.map((layer, index) => ({ ...offered(blobs, layer), diffId: config.value.rootfs.diff_ids[index] ?? '' }));
    return { names: [name], manifest: { bytes, descriptor }, config, layers, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface ReadImage {
  readonly manifest: FoundManifest;
  readonly config: OfferedImage['config'];
  readonly blobs: BlobReader;
}

async function readImage(found: FoundManifest, blobs: BlobReader, name: string, { take, platform, signal }: RegistryOptions & { readonly platform: Platform }): Promise<ReadImage> {
  const { manifest } = found;
  const bytes = await (take === undefined ? blobs.read(manifest.config, signal) : take(offered(blobs, manifest.config)));
  const value = readConfig(bytes, `the config of '${name}'`);
  checkImage(manifest, value, `'${name}'`);
  checkPlatform(value, platform, `'${name}'`);
  for (const layer of manifest.layers) refuseForeign(layer, name);
  return { manifest: found, config: { bytes, descriptor: manifest.config, value }, blobs };
}

function offered(blobs: BlobReader, descriptor: Descriptor): OfferedBlob {
  return {
    descriptor,
    open: async ({ offset, signal }) => blobs.open(descriptor, offset, signal),
    reject: () => blobs.reject(descriptor),
  };
}

/** Such layers lie where their descriptor's `urls` say, and a manifest from anywhere shall not choose whom this host asks. */
function refuseForeign({ mediaType, digest }: Descriptor, name: string): void {
  if (layerKind(mediaType)?.isForeign !== true) return;
  throw new TsrunError('ERR_TSRUN_IMAGE', `the layer ${digest} of '${name}' is not for handing on (${printable(mediaType, 100)}): it lies elsewhere, and tsrun asks only the registry`, {
    hint: 'copy the image with a tool that fetches such layers, then import the copy: skopeo copy docker://… oci:…',
  });
}
