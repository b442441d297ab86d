/** A slug: what a buildpack made of an app, as a tar archive, mostly packed by gzip. It becomes an image of one layer, to lie over a stack. */
import { TsrunError } from '../../spec/errors.js';
import type { OfferedImage } from '../offer.js';
import { describeConfig, makeManifest } from '../documents/make-manifest.js';
import { documentError } from '../documents/shapes.js';
import { parseProcfile } from '../procfile.js';
import { readWhole, shareTree } from './file-tree.js';
import { slugConfig } from './slug-config.js';
import { appFolder, isPackedInApp, openSlugLayer } from './slug-layer.js';
import type { SourceOptions } from './source-options.js';
import type { TarTree } from './tar-tree.js';

const mostProcfileBytes = 1024 * 1024;
/** What lies at the top of a herokuish slug: the app's Procfile, and what its buildpack says of process types. */
const marks = ['Procfile', '.release'];

/** Does an archive look like a slug, where nobody says so? Below ./app everything may be one. */
export function isSlug(tree: TarTree): boolean {
  return isPackedInApp(tree) || marks.some((mark) => tree.byPlace.has(mark));
}

/**
 * Takes `tree`, which is closed with the image; not when this fails.
 *
 * @throws ERR_TSRUN_IMAGE
 */
export async function openSlug(tree: TarTree, { platform, signal }: Pick<SourceOptions, 'platform' | 'signal'>): Promise<readonly OfferedImage[]> {
  const isInApp = isPackedInApp(tree);
  if (tree.entries.length === 0) throw documentError(`the slug ${tree.name} is empty`, 'a slug holds the files of an app');
  const processTypes = await readProcessTypes(tree, isInApp ? `${appFolder}/Procfile` : 'Procfile');
  const layer = await openSlugLayer(tree, isInApp, signal);
  const value = slugConfig(platform, layer.diffId, processTypes);
  const config = describeConfig(Buffer.from(JSON.stringify(value)), value);
  const [close = () => tree.close()] = shareTree(tree, 1);
  return [{ names: [], manifest: makeManifest(config.descriptor, [layer.descriptor]), config, layers: [layer], close }];
}

/** Without a Procfile there is no process type: the command is for the user to give. */
async function readProcessTypes(tree: TarTree, path: string): Promise<ReadonlyMap<string, string>> {
  const file = tree.last(path);
  if (file === undefined) return new Map();
  const source = `'Procfile' in ${tree.name}`;
  const bytes = await readWhole(file, mostProcfileBytes, source);
  try {
    return parseProcfile(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), { source }).processTypes;
  } catch (cause) {
    throw TsrunError.is(cause) ? cause : documentError(`${source} is not UTF-8`, 'save it as UTF-8', cause);
  }
}
