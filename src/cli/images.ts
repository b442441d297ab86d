/** `tsrun images` */
import type { ImageSummary } from '../index.js';
import { familiarName, imageJson, none, shortDigest, splitName, type SplitName } from './image-names.js';
import { withStoredImages } from './image-work.js';
import type { CommandFlags, Invocation } from './invocation.js';
import { ago, humanSize, painter, quote, renderJson, renderTable, type Column } from './output.js';
import { tell } from './tell.js';

export async function run(invocation: Invocation): Promise<number> {
  const { flags, positionals: [name], stdout, stderr, env } = invocation;
  const { all, damaged } = await withStoredImages(invocation, async (images) => ({ all: await images.list(), damaged: await images.damaged() }));
  const found = all.filter((image) => name === undefined || hasName(image, name));
  // Newest first, as docker has them.
  const shown = found.toSorted(byAge);
  if (flags.json === true) stdout.write(renderJson(shown.map(imageJson)));
  else if (flags.names === true) for (const whole of shown.flatMap(({ names }) => names.filter((each) => name === undefined || matches(each, name)))) stdout.write(`${familiarName(whole)}\n`);
  else if (flags.quiet === true) for (const { digest } of shown) stdout.write(`${flags.noTrunc === true ? digest : shortDigest(digest)}\n`);
  else stdout.write(renderTable(columnsOf(flags), rowsOf(shown, flags, name, Date.now()), { paint: painter(stdout, env) }));
  for (const { digest, names } of damaged) {
    const [name = shortDigest(digest)] = names.map(familiarName);
    tell(stderr, `${painter(stderr, env)('yellow', 'tsrun: warning:')} the record of the image ${quote(name)} is damaged: pull or load it again\n`);
  }
  return 0;
}

export function columnsOf({ digests = false }: CommandFlags): readonly Column[] {
  return [
    { title: 'REPOSITORY' },
    { title: 'TAG', style: (cell) => (cell === none ? 'dim' : 'cyan') },
    ...(digests ? [{ title: 'DIGEST' }] : []),
    { title: 'IMAGE ID', style: () => 'yellow' },
    { title: 'CREATED' },
    { title: 'SIZE', align: 'right' },
  ];
}

/** A row for each name, but for a digest alone no second one of the same repository. */
export function rowsOf(images: readonly ImageSummary[], { digests = false, noTrunc = false }: CommandFlags, wanted: string | undefined, nowMs: number): string[][] {
  return images.flatMap((image) => {
    const names: readonly (string | undefined)[] = image.names.length === 0 ? [undefined] : image.names.filter((name) => wanted === undefined || matches(name, wanted));
    return distinct(names.map(splitName)).map(({ repository, tag }) => {
      const id = noTrunc ? image.digest : shortDigest(image.digest);
      return [repository, tag, ...(digests ? [image.digest] : []), id, age(image, nowMs), humanSize(image.unpackedBytes)];
    });
  });
}

/** A name may have a digest besides, which is no part of the row. */
function distinct(names: readonly SplitName[]): SplitName[] {
  const isTagged = (repository: string) => names.some((each) => each.repository === repository && each.tag !== none);
  return names.filter(({ repository, tag }, index) => {
    const first = names.findIndex((each) => each.repository === repository && each.tag === tag);
    return first === index && (tag !== none || !isTagged(repository));
  });
}

function hasName({ names }: ImageSummary, wanted: string): boolean {
  return names.some((name) => matches(name, wanted));
}

/** A repository alone stands for all of its tags. */
function matches(name: string, wanted: string): boolean {
  const [whole, short] = [name, familiarName(name)];
  return [whole, short].some((each) => each === wanted || (each.startsWith(`${wanted}:`) && !each.slice(wanted.length + 1).includes('/')));
}

/** Of those that say no time, or none that is one, the latest that came here goes first. */
function byAge(one: ImageSummary, other: ImageSummary): number {
  return (createdMs(other) ?? other.importedAtMs) - (createdMs(one) ?? one.importedAtMs) || (one.digest < other.digest ? -1 : 1);
}

/** The year 1 is Go's word for none. */
function createdMs({ created = '' }: ImageSummary): number | undefined {
  const ms = Date.parse(created);
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}

function age(image: ImageSummary, nowMs: number): string {
  const ms = createdMs(image);
  return ms === undefined ? 'N/A' : ago(nowMs - ms);
}
