/** Which fields of a config.json `create` takes on this host: it is asked, by compiling plans that are never run. */
import type { HostFacts } from '../host/facts.js';
import { compilePlan } from '../plan/compile.js';
import { validateSpec } from '../spec/validate.js';
import type { IdMapping, NamespaceType, Process, Spec } from '../spec/types.js';
import { planInput } from './create-container.js';
import { StateFolder, type ContainerRecord } from './state.js';

const namespaces: readonly NamespaceType[] = ['user', 'mount', 'pid', 'network', 'ipc', 'uts', 'cgroup'];
const map: IdMapping[] = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

export class HeldFields {
  readonly process: Process = { user: { uid: 0, gid: 0 }, args: ['true'], cwd: '/' };
  readonly #facts: HostFacts;

  constructor(facts: HostFacts) {
    this.#facts = facts;
  }

  /** What is given stands in the place of the same part of a container that `create` takes. */
  has(part: Partial<Spec>): boolean {
    try {
      this.#compile(validateSpec({ ...this.#plain(), ...part, linux: { ...this.#plain().linux, ...part.linux } }));
      return true;
    } catch {
      return false;
    }
  }

  #plain(): Spec {
    return {
      ociVersion: '1.0.0',
      process: this.process,
      root: { path: '/' },
      // So that it does not depend on what this host has of cgroups.
      linux: { namespaces: namespaces.map((type) => ({ type })), uidMappings: map, gidMappings: map, resources: { devices: [{ allow: true, access: 'rwm' }] } },
    };
  }

  #compile(spec: Spec): void {
    const id = 'features';
    const record: ContainerRecord = { version: 1, id, bundle: '/', rootfs: '/', created: '', owner: '', bootId: '', cgroup: '', spec: null };
    const request = { root: '/', id, bundle: '/', listeningCount: 0, inheritedCount: 0, keepsKeyring: false, needsCgroup: false, cgroupManager: 'cgroupfs' } as const;
    compilePlan(planInput(request, { path: '/', rootPath: '/', spec, config: null, sourceLinks: new Map() }, new StateFolder('/', id), record, this.#facts, undefined));
  }
}
