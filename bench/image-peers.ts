/** Programs of this host that unpack images, and how they are asked: all into an empty folder of one disk. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a run's image comes from: a layout, by how its layers are compressed, or a registry. */
export type ImageSource = { readonly layout: 'gzip' | 'zstd'; readonly name: string } | { readonly registry: string; readonly name: string };

export interface Unpacker {
  readonly name: string;
  /** Undefined for what it cannot take. */
  readonly command: (source: ImageSource) => readonly string[] | undefined;
}

export interface UnpackerPlaces {
  readonly tsrun: readonly string[];
  /** Of the disk. */
  readonly folder: string;
  readonly stateOf: (name: string) => string;
  /** Without those that unpack by the same library as podman. */
  readonly fewer: boolean;
}

/** What their rows do not tell. */
export const unpackerNotes = [
  'to its end: until the command has ended; on the disk: and until sync(1) of the file system has. tsrun syncs by itself, layers and blobs, before an image has a name; the others leave it to the kernel',
  'tsrun keeps blobs beside layers, so that it can save and unpack again; umoci writes an mtree manifest; podman, skopeo and buildah (containers/storage, overlay, native diff) keep neither, but a tar-split',
  'each run on an ext4 of its own, empty, in a file of the same disk, by direct I/O; what is read lies in the page cache',
];

/** Those that are installed, with their versions as a note. */
export function installedUnpackers(places: UnpackerPlaces): { readonly unpackers: readonly Unpacker[]; readonly versions: string } {
  const others = peers(places).filter(({ isOfPodman }) => isOfPodman !== true || !places.fewer).flatMap((peer) => {
    const { status, stdout } = spawnSync(peer.program, ['--version'], { encoding: 'utf8' });
    return status === 0 ? [{ ...peer, version: /\d+(?:\.\d+)+\S*/.exec(stdout)?.[0] ?? 'unknown' }] : [];
  });
  const versions = others.map(({ program, version }) => `${program} ${version}`).join(', ');
  return { unpackers: [tsrun(places), ...others], versions: `beside tsrun: ${versions}` };
}

function tsrun({ tsrun: program, folder, stateOf }: UnpackerPlaces): Unpacker {
  const words = ['env', `TSRUN_ROOT=${stateOf('images')}`, ...program];
  const command = (source: ImageSource) => ('layout' in source
    ? [...words, 'load', '--quiet', '--root-dir', join(folder, 'store'), `oci:${source.layout}:${source.name}`]
    : [...words, 'pull', '--quiet', '--root-dir', join(folder, 'store'), `${source.registry}/${source.name}`]);
  return { name: 'tsrun', command };
}

function peers({ folder, stateOf }: UnpackerPlaces): (Unpacker & { readonly program: string; readonly isOfPodman?: true })[] {
  const settings = containersSettings(folder, stateOf('containers'));
  const named = (source: ImageSource) => ('layout' in source ? `oci:${source.layout}:${source.name}` : `docker://${source.registry}/${source.name}`);
  return [
    {
      name: 'umoci unpack',
      program: 'umoci',
      command: (source) => ('layout' in source && source.layout === 'gzip' ? ['umoci', 'unpack', '--image', `${source.layout}:${source.name}`, join(folder, 'bundle')] : undefined),
    },
    { name: 'podman pull', program: 'podman', command: (source) => [...settings, 'podman', 'pull', '--quiet', '--tls-verify=false', named(source)] },
    {
      name: 'skopeo copy',
      program: 'skopeo',
      isOfPodman: true,
      command: (source) => [...settings, 'skopeo', '--insecure-policy', 'copy', '--quiet', '--src-tls-verify=false', named(source), 'containers-storage:bench:latest'],
    },
    { name: 'buildah pull', program: 'buildah', isOfPodman: true, command: (source) => [...settings, 'buildah', 'pull', '--quiet', '--tls-verify=false', named(source)] },
  ];
}

/** A storage of its own, all on the disk, also what is on its way. */
function containersSettings(folder: string, state: string): string[] {
  const file = join(state, 'storage.conf');
  mkdirSync(state, { recursive: true });
  const text = [
    '[storage]', 'driver = "overlay"', `graphroot = "${join(folder, 'storage')}"`, `runroot = "${join(state, 'run')}"`,
    // It would stay mounted on itself.
    '[storage.options.overlay]', 'skip_mount_home = "true"',
  ];
  writeFileSync(file, `${text.join('\n')}\n`);
  return ['env', `CONTAINERS_STORAGE_CONF=${file}`, `TMPDIR=${folder}`];
}
