/** Images and containers mounted on the host, for looking inside. */
import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Addon } from '../../engine/addon.js';
import type { Launcher } from '../../engine/launcher.js';
import type { HostFacts } from '../../host/facts.js';
import { compileMount, type MountSource } from '../../plan/compile-mount.js';
import { Namespaces } from '../../plan/namespaces.js';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import { boolean, instanceOf, assertShape, optional, strictObject, text } from '../../spec/shape.js';
import type { Container } from '../container.js';
import { validateNames } from '../options/validate-images.js';
import type { LoadLibrary } from '../start-images.js';
import { randomDigits } from '../state/random.js';
import type { ContainerRecord } from '../state/record.js';
import type { StateRoot } from '../state/state-root.js';
import type { ContainerSummary } from '../state/summary.js';
import { upperOf } from '../state/uppers.js';
import { bootId, MountRecords, MountTables, ownNamespace, type MountRecord } from './mount-records.js';
import type { HostMount, HostMountOptions, HostMountSummary, UnmountOptions } from './mount-types.js';
import { runPlan } from './run-plan.js';

export interface MountsSurroundings {
  readonly root: StateRoot;
  readonly addon: Addon;
  readonly host: HostFacts;
  readonly launcher: Launcher;
  readonly loadLibrary: LoadLibrary;
  readonly containers: { inspect(id: string): ContainerSummary; find(id: string): Promise<Container> };
}

/** What is to be mounted, and by which launcher. */
interface Subject extends Pick<HostMountSummary, 'kind' | 'name' | 'digest'> {
  readonly source: MountSource;
  readonly launcher: Launcher;
  readonly layers: readonly string[];
}

const mountOptions = strictObject<HostMountOptions>({ target: optional(text('the path of a folder', /./s)), followLinks: optional(boolean), signal: optional(instanceOf(AbortSignal)) });
const unmountOptions = strictObject<UnmountOptions>({ force: optional(boolean) });

/**
 * Mounts for looking inside, read-only, without devices and set-id bits, in the mount namespace of this process; they stay until they
 * are let go of, whatever becomes of this process. What is mounted counts as used: its layers stay. For root alone: an ordinary user's
 * mounts would be seen by nobody.
 *
 * @example
 * import { readdirSync } from 'node:fs';
 * import { Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * await using mount = await runtime.mounts.image('./rootfs');
 * console.log(readdirSync(mount.path).includes('bin')); // true
 */
export class Mounts {
  readonly #surroundings: MountsSurroundings;
  readonly #records: MountRecords;

  /** @internal A runtime makes its own. */
  constructor(surroundings: MountsSurroundings) {
    this.#surroundings = surroundings;
    this.#records = new MountRecords(surroundings.root, surroundings.addon);
  }

  /**
   * An image of the store, or of a file or folder, which is unpacked into it first; owners are as the image says. Nothing is fetched.
   *
   * @throws TsrunError `ERR_TSRUN_IMAGE`, `ERR_TSRUN_STORE`; `ERR_TSRUN_UNSUPPORTED` for an ordinary user; `ERR_TSRUN_INVALID_ARGUMENT`;
   * `ERR_TSRUN_HOST`, SetupError `ERR_TSRUN_SETUP` where it cannot be mounted
   */
  async image(reference: string, options: HostMountOptions = {}): Promise<HostMount> {
    validateNames({ reference });
    const target = this.#check(options);
    const library = await this.#surroundings.loadLibrary();
    const { image: { kind, rootPath, lowerLayers = [], digest }, release } = await library.resolve(reference, {
      pull: 'never', platform: undefined, stack: undefined, tlsVerify: undefined, authFile: undefined, limits: undefined, signal: options.signal, tell: () => undefined,
    });
    try {
      const layers = [rootPath, ...lowerLayers];
      const source: MountSource = kind === 'image' ? { kind: 'layers', layers, emptyFolder: this.#surroundings.root.emptyFolder() } : { kind: 'folder', folder: rootPath };
      return await this.#mount({ kind: 'image', name: reference, ...(digest !== undefined && { digest }), source, launcher: this.#surroundings.launcher, layers }, target, options);
    } finally {
      release();
    }
  }

  /**
   * The root of a container, without its own mounts: of a live one as it changes, also after its end; of one that has ended what it
   * left on disk. Owners are those of its user namespace, as the host counts.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`; `ERR_TSRUN_STATE` when it has ended and its root with it; `ERR_TSRUN_UNSUPPORTED` for an ordinary
   * user, and a container without a root of its own; and as `image`
   */
  async container(id: string, options: HostMountOptions = {}): Promise<HostMount> {
    const target = this.#check(options);
    const { state, record } = this.#surroundings.containers.inspect(id);
    if (!new Namespaces(record.spec.linux, record.extensions.namespaceFds).isNew('mount')) {
      throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `the container '${id}' has no mount namespace of its own, and so no root`, { hint: 'what it sees is the host\'s, or that of the container that it joined' });
    }
    const layers = [record.rootPath, ...(record.extensions.lowerLayers ?? [])];
    const known = { kind: 'container', name: id, layers } as const;
    if (state === 'stopped') return this.#mount({ ...known, source: this.#leftRoot(record, layers), launcher: this.#surroundings.launcher }, target, options);
    const { launcher } = await this.#surroundings.containers.find(id);
    return this.#mount({ ...known, source: { kind: 'container', id }, launcher }, target, options);
  }

  /** Those that stand, the latest last. */
  list(): HostMountSummary[] {
    const tables = new MountTables();
    return this.#records.all().filter((record) => tables.has(record)).map(summaryOf);
  }

  /**
   * Lets go of what is mounted at a path, whoever has mounted it.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND` where nothing of tsrun's is; `ERR_TSRUN_STATE` while somebody uses it, or something else is mounted over it
   */
  async unmount(path: string, options: UnmountOptions = {}): Promise<void> {
    validateNames({ path });
    assertShape(unmountOptions, options, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
    const tables = new MountTables();
    const real = realOrSame(path);
    const record = this.#records.all().filter((each) => each.path === real && each.namespace === ownNamespace() && tables.has(each)).at(-1);
    if (record === undefined) throw new TsrunError('ERR_TSRUN_NOT_FOUND', `nothing of tsrun's is mounted at '${printable(path, 400)}'`, { hint: 'tsrun mount lists what is' });
    await this.#unmount(record, options.force === true);
  }

  /** Gives the target, as the kernel will know it. */
  #check(options: HostMountOptions): string | undefined {
    assertShape(mountOptions, options, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
    if (this.#surroundings.host.uid !== 0) {
      throw new TsrunError('ERR_TSRUN_UNSUPPORTED', 'an ordinary user cannot mount an image where anybody would see it', {
        hint: 'look inside with a shell in it (tsrun run -it --rm IMAGE sh), take files out (tsrun cp), or mount as root',
      });
    }
    return options.target === undefined ? undefined : this.#free(realFolder(options.target));
  }

  /** What stands there would be hidden, and stay when the upper one is let go of. */
  #free(path: string): string {
    const tables = new MountTables();
    const there = this.#records.all().find((each) => each.path === path && each.namespace === ownNamespace() && tables.has(each));
    if (there === undefined) return path;
    throw new TsrunError('ERR_TSRUN_STATE', `the ${there.kind} '${printable(there.name, 400)}' is mounted at '${printable(path, 400)}' already`, { hint: `let go of it first: tsrun unmount ${printable(path, 400)}` });
  }

  #leftRoot({ id, rootPath, spec, extensions }: ContainerRecord, layers: readonly string[]): MountSource {
    const { root = { kind: 'writable' } } = extensions;
    if (root.kind === 'writable') return { kind: 'folder', folder: rootPath };
    const disk = upperOf(extensions);
    if (root.kind === 'disposable' && disk === undefined) {
      throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' has ended, and its root, which was in memory, with it`, { hint: 'with --storage-opt type=disk it is kept until rm; its image can be mounted' });
    }
    const namespaces = new Namespaces(spec.linux, extensions.namespaceFds);
    const { uidMappings = [], gidMappings = [] } = spec.linux ?? {};
    return {
      kind: 'layers',
      layers,
      upper: disk === undefined ? undefined : join(disk.folder, 'upper'),
      maps: namespaces.isNew('user') ? { uidMappings, gidMappings } : undefined,
      emptyFolder: this.#surroundings.root.emptyFolder(),
    };
  }

  async #mount({ source, launcher, layers, ...subject }: Subject, target: string | undefined, { followLinks = true }: HostMountOptions): Promise<HostMount> {
    const id = randomDigits(12);
    const path = target ?? this.#records.ownFolder(id);
    const record: MountRecord = { version: 1, id, ...subject, path, createdAtMs: Date.now(), layers, bootId: bootId(), namespace: ownNamespace() };
    const { host, addon } = this.#surroundings;
    const release = this.#records.begin(record);
    try {
      if (target === undefined) mkdirSync(path, { mode: 0o700 });
      await runPlan(launcher, compileMount({ source, target: path, followLinks, host }), addon);
      const mountId = new MountTables().seen(record)?.id;
      this.#records.finish({ ...record, ...(mountId !== undefined && { mountId }) });
      return this.#mountOf({ ...record, ...(mountId !== undefined && { mountId }) });
    } catch (error) {
      this.#records.remove(id);
      throw error;
    } finally {
      release();
    }
  }

  #mountOf(record: MountRecord): HostMount {
    let isGone = false;
    const unmount = async ({ force = false }: UnmountOptions = {}) => {
      if (isGone) return;
      if (new MountTables().has(record)) await this.#unmount(record, force);
      isGone = true;
    };
    return { ...summaryOf(record), unmount, [Symbol.asyncDispose]: async () => unmount({ force: true }) };
  }

  async #unmount(record: MountRecord, force: boolean): Promise<void> {
    const seen = new MountTables().seen(record);
    if (seen !== undefined && record.mountId !== undefined && seen.id !== record.mountId) {
      throw new TsrunError('ERR_TSRUN_STATE', `something else is mounted over '${printable(record.path, 400)}'`, { hint: 'let go of that first: umount(8)' });
    }
    await this.#surroundings.launcher.unmount(record.path, force);
    this.#records.remove(record.id);
  }
}

function summaryOf({ id, kind, name, digest, path, createdAtMs }: MountRecord): HostMountSummary {
  return { id, kind, name, ...(digest !== undefined && { digest }), path, createdAtMs };
}

function realOrSame(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function realFolder(target: string): string {
  const fault = (why: string, cause?: unknown) => new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `option /target: '${printable(target, 400)}' ${why}`, { field: '/target', hint: 'name a folder that exists, and no link', cause });
  try {
    // Whoever may write where the link lies says where it leads.
    const isLink = lstatSync(target.replace(/(?<=.)\/+$/, '')).isSymbolicLink();
    const real = realpathSync(target);
    if (isLink) throw fault(`is a link to '${printable(real, 400)}'`);
    if (statSync(real).isDirectory()) return real;
  } catch (cause) {
    if (TsrunError.is(cause)) throw cause;
    throw fault(`cannot be mounted at: ${errnoName(cause) ?? String(cause)}`, cause);
  }
  throw fault('is no folder');
}
