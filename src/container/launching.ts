/** From image and options to a plan on its way: what every start of a container goes through. */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { cgroupBase } from '../cgroup/layout.js';
import { compilePlan } from '../plan/compile.js';
import { encodePlan, type Plan } from '../plan/plan.js';
import type { Names } from '../plan/template.js';
import { TsrunError } from '../spec/errors.js';
import type { Process, Seccomp } from '../spec/types.js';
import { namespaceTypeNames } from '../spec/schema.generated.js';
import { isDefaultSeccomp } from '../spec/seccomp-profile.js';
import { callersLimit } from '../host/callers-limit.js';
import { attachNetworkOf } from './attachment.js';
import { checkDescriptor } from './build/check-descriptors.js';
import { Container, type ContainerSettings } from './container.js';
import { executeIn, executeProgramIn, type ExecProcess, type OwnProgram } from './exec.js';
import { ownsMounts, visibleRoot } from './build/given-root.js';
import { imageReader } from './image-files.js';
import type { ResolvedImage } from '../image/resolved-image.js';
import { joinedIdMaps } from '../host/joined-maps.js';
import type { Compiled, LaunchingSurroundings, LaunchRequest, PrepareRequest, ProgramRequest, SettingsInput, Stamp } from './launch-request.js';
import { validateRunOptions } from './options/validate-options.js';
import { filterOf, prepare, streamsOf, type Preparation, type Streams } from './prepare.js';
import { randomDigits } from './state/random.js';
import { releaseLinksOf } from './state/links.js';
import { Removals } from './state/removals.js';
import { writeRecord, type ContainerRecord } from './state/record.js';
import { StartImages, type HeldImage } from './start-images.js';
import { hostNodesOf } from './build/resolve-devices.js';
import type { Start } from './start.js';
import { setupError } from './failures/setup-error.js';
import { StartWatch } from './start-timings.js';
import { makeUppersFolder, newUpper, uppersOf } from './state/uppers.js';
import { copyOf, isOfTheMoment, Template, templateKey, Templates } from './templates.js';

function stampOfNow(): Stamp {
  return { createdAtMs: Date.now(), suffix: randomDigits(8) };
}

interface Sendable extends Compiled {
  readonly prepared: Preparation;
  /** The plan in wire form. */
  readonly bytes: Uint8Array;
}

export class Launching {
  /** What is still being removed of containers that have ended. */
  readonly removals = new Removals();
  readonly #surroundings: LaunchingSurroundings;
  readonly #bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  readonly #maxNofile = hardNofile();
  readonly #images: StartImages;
  readonly #templates = new Templates();
  readonly #uppers: string;

  constructor(surroundings: LaunchingSurroundings) {
    this.#surroundings = surroundings;
    this.#images = new StartImages(surroundings.loadLibrary);
    this.#uppers = uppersOf(surroundings.imageRoot);
  }

  /** Sends the plan; `started` of the container says what became of it. */
  async launch(request: LaunchRequest): Promise<Container> {
    const watch = request.options.timings === true ? new StartWatch() : undefined;
    let held: HeldImage | undefined;
    try {
      const key = templateKey(request);
      const template = key === undefined ? undefined : this.#templates.get(key);
      // What was prepared before was checked before.
      if (template === undefined) validateRunOptions(request.options);
      held = await this.#images.resolve(request.image, request.options);
      const isReady = template?.fits(held.image, this.#surroundings.addon) === true;
      const container = isReady ? this.#sendAgain(template, request) : await this.#sendFirst(key, held.image, request, watch);
      container.started.then(held.release, held.release);
      return container;
    } catch (error) {
      held?.release();
      watch?.close();
      request.onEnd(undefined);
      throw error;
    }
  }

  async #sendFirst(key: string | undefined, image: ResolvedImage, request: LaunchRequest, watch: StartWatch | undefined): Promise<Container> {
    // Of what is asked anew each time (a getter) the copy may hold something else than the key: it is filed under its own.
    const copied = key === undefined ? request : { ...request, options: validateRunOptions(copyOf(request.options)) };
    const prepared = await this.#prepare(copied, image);
    watch?.mark('prepare');
    if (prepared.input.upper !== undefined) makeUppersFolder(this.#uppers);
    const compiled = this.compile(prepared, request.id, request.named.name, request.awaitStart);
    const copiedKey = key === undefined ? undefined : templateKey(copied);
    if (copiedKey !== undefined && !isOfTheMoment(prepared.spec, this.#surroundings.host)) this.#templates.set(copiedKey, new Template(prepared, compiled.plan));
    return this.#send({ ...compiled, prepared, bytes: encodePlan(compiled.plan) }, request, watch);
  }

  /** For a look: nothing is fetched, and nothing held. */
  async prepare(request: PrepareRequest, standIn?: string): Promise<Preparation> {
    validateRunOptions(request.options);
    const { image, release } = await this.#images.resolve(request.image, request.options, true);
    release();
    return this.#prepare(request, image, standIn);
  }

  /** @param request with options that were checked */
  async #prepare({ id, options, idRange }: Omit<PrepareRequest, 'image'>, image: ResolvedImage, standIn?: string): Promise<Preparation> {
    const { host, addon, root, subordinate, stamp = stampOfNow } = this.#surroundings;
    const upper = options.rootStorage === 'disk' ? newUpper(this.#uppers, root.path, id, stamp().suffix) : undefined;
    return prepare({ image, options, id, root, host, addon, idRange, maxNofile: this.#maxNofile, subordinate, standIn, upper });
  }

  /** Pure but for the cache of filters: nothing is touched. */
  compile(prepared: Preparation, id: string, launcherName: string, awaitStart: boolean): Compiled {
    const { host, seccomp } = this.#surroundings;
    const { spec, input: { image, options } } = prepared;
    const record = this.#record(prepared, id, launcherName, awaitStart);
    const streams = streamsOf(options, spec.process?.terminal === true);
    const maps = joinedIdMaps(spec, prepared.extensions);
    const plan = compilePlan({
      ...this.#names(prepared, record),
      host,
      rootPath: image.rootPath,
      ...streams.plan,
      ...filterOf(spec.linux?.seccomp, seccomp),
      ...(maps === undefined ? {} : { joinedIdMaps: maps }),
      ...(host.uid === 0 ? {} : { hostNodes: hostNodesOf(spec.linux?.devices ?? []) }),
      timings: options.timings === true,
      awaitStart,
    });
    const namespaces = plan.passed.filter((name) => name.startsWith('namespace:')).map((name) => namespaceFd(prepared, name));
    return { plan, record, passed: [...streams.passed, ...namespaces] };
  }

  /** Sends the plan, as `launch` does. Nothing of the folder is executed, and it is seen as it is: without an overlay, a /dev, an id map. */
  launchProgram({ id, spec, extensions, program, streams, named: { launcher, name }, onEnd }: ProgramRequest): Container {
    const { host, seccomp } = this.#surroundings;
    const record = this.#recordOf({ id, image: 'tsrun-archive', launcher: name, rootPath: spec.root?.path ?? '', spec, extensions, internal: true });
    const plan = compilePlan({
      ...this.#names({ spec, extensions }, record),
      host,
      rootPath: record.rootPath,
      program: { layers: program.layers, upper: program.upper, upperOf: program.upperOf },
      ...streams.plan,
      ...filterOf(spec.linux?.seccomp, seccomp),
    });
    const container = new Container(this.settings({ record, launcher, warnings: [], onEnd }), this.#start(plan, record));
    container.bind(launcher.launch(id, encodePlan(plan), [...streams.passed, program.fd], container));
    return container;
  }

  /** See `StateRoot`. */
  emptyFolder(): string {
    return this.#surroundings.root.emptyFolder();
  }

  /** The same in a live container, as its root. */
  async executeProgram(container: Container, program: Pick<OwnProgram, 'fd'>, process: Process, filter: Seccomp, streams: Streams): Promise<ExecProcess> {
    return executeProgramIn(container, { program, process, filter, streams }, this.#surroundings);
  }

  settings({ record, launcher, warnings, onEnd }: SettingsInput): ContainerSettings {
    const { addon, host, root } = this.#surroundings;
    const release = (container: Container | undefined) => {
      // Nobody here knows of one that is lost from sight whether it has ended: `gc` finds out.
      if (container?.exitStatus?.cause !== 'lost') this.removals.add(releaseLinksOf(root, record, container?.attending));
      onEnd(container);
    };
    return {
      launcher,
      record,
      host,
      warnings,
      onEnd: record.extensions.network?.kind === 'bridge' ? release : onEnd,
      stopSignal: record.stopSignal,
      stopTimeoutMs: record.stopTimeoutMs,
      keepsInput: record.extensions.survive === true,
      execute: async (container, options) => executeIn(container, options, this.#surroundings),
      resizeTerminal: (fd, rows, columns) => {
        addon.setWindowSize(fd, rows, columns);
      },
    };
  }

  #start(plan: Plan, record: ContainerRecord, lowerLayers: readonly string[] = []): Start {
    const { addon, host, root } = this.#surroundings;
    const context = {
      syscallName: (number: number) => addon.syscallName(number),
      readInRoot: imageReader(addon, host, { rootPath: record.rootPath, lowerLayers }),
    };
    return {
      plan,
      awaitsStart: record.awaitsStart === true,
      explain: (event) => setupError(event, plan, context),
      ...(record.extensions.network !== undefined && { attach: async (pid) => attachNetworkOf(record, pid, root) }),
    };
  }

  #names({ spec, extensions }: Pick<Preparation, 'spec' | 'extensions'>, record: ContainerRecord): Names {
    const { root } = this.#surroundings;
    const { id, launcher, cgroup } = record;
    return {
      spec,
      extensions,
      state: { directory: root.containerPath(id), temporary: root.temporaryPath(launcher, id), record: writeRecord(record) },
      ...(cgroup === '' ? {} : { cgroupPath: cgroup }),
    };
  }

  #sendAgain(template: Template, request: LaunchRequest): Container {
    const prepared = template.preparationFor(request.id);
    const record = this.#record(prepared, request.id, request.named.name, request.awaitStart);
    const { passed } = streamsOf(prepared.input.options, prepared.spec.process?.terminal === true);
    return this.#send({ prepared, record, passed, ...template.plan.rename(this.#names(prepared, record)) }, request);
  }

  #send({ prepared, plan, record, passed, bytes }: Sendable, { id, options, named: { launcher }, onEnd }: LaunchRequest, watch?: StartWatch): Container {
    for (const warning of prepared.warnings) options.onWarning?.(warning);
    const memory = watch?.watch(plan, prepared.spec, (size) => this.#surroundings.addon.shareMemory(size));
    watch?.mark('compile');
    const container = new Container(this.settings({ record, launcher, warnings: prepared.warnings, onEnd }), { ...this.#start(plan, record, lowerLayersOf(prepared)), watch });
    container.bind(launcher.launch(id, bytes, memory === undefined ? passed : [...passed, memory], container));
    return container;
  }

  #record(prepared: Preparation, id: string, launcher: string, awaitStart: boolean): ContainerRecord {
    const { spec, extensions, input: { image, options }, stopSignal, stopTimeoutMs } = prepared;
    const { seccomp, ...linux } = spec.linux ?? {};
    const isDefault = seccomp !== undefined && isDefaultSeccomp(seccomp);
    return this.#recordOf({
      id,
      image: image.name,
      ...(image.digest !== undefined && { imageDigest: image.digest }),
      ...(image.stackDigest !== undefined && { stackDigest: image.stackDigest }),
      ...(image.config?.config?.Healthcheck !== undefined && { healthcheck: image.config.config.Healthcheck }),
      launcher,
      rootPath: visibleRoot(options, image),
      stopSignal,
      stopTimeoutMs,
      labels: options.labels ?? {},
      spec: isDefault ? { ...spec, linux } : spec,
      extensions,
      ...(awaitStart && { awaitsStart: true }),
      defaultSeccomp: isDefault,
    });
  }

  #recordOf(known: RecordBase): ContainerRecord {
    const { host, stamp = stampOfNow } = this.#surroundings;
    const base = cgroupBase(host.cgroup);
    const { createdAtMs, suffix } = stamp();
    const { id, image, launcher, ...others } = known;
    return {
      version: 1,
      id,
      image,
      createdAtMs,
      bootId: this.#bootId,
      launcher,
      cgroup: base === undefined ? '' : `${base}/${id}-${suffix}`,
      ...plainRecord,
      ...others,
    };
  }
}

const plainRecord = { stopSignal: constants.signals.SIGKILL, stopTimeoutMs: 0, labels: {}, defaultSeccomp: false } as const;
type RecordBase = Pick<ContainerRecord, 'id' | 'image' | 'launcher' | 'rootPath' | 'spec' | 'extensions'> & Partial<ContainerRecord>;

function lowerLayersOf({ input: { options, image } }: Preparation): readonly string[] {
  return ownsMounts(options, image) ? (image.lowerLayers ?? []) : [];
}

/** The caller's own hard limit of open files: without CAP_SYS_RESOURCE no container can have more. */
function hardNofile(): number {
  const limit = callersLimit('RLIMIT_NOFILE');
  return limit === undefined || limit === 'unlimited' ? 1_048_576 : Number(limit);
}

function namespaceFd({ extensions }: Preparation, passed: string): number {
  const type = namespaceTypeNames.find((each) => passed === `namespace:${each}`);
  const fd = type === undefined ? undefined : extensions.namespaceFds?.[type];
  if (fd === undefined) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `no descriptor for ${passed}`);
  checkDescriptor(fd, type === 'network' ? '/network/fd' : `/namespaces/${type ?? ''}/fd`, 'pass one of a namespace that is open, or its path');
  return fd;
}
