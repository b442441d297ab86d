/** Plans of processes in a container, past what `Runtime.exec` looks at before it sends one. */
import type { ContainerEvent, ContainerListener } from '../../src/engine/listener.js';
import type { Container, Runtime } from '../../src/index.js';
import { compileExec } from '../../src/plan/compile-exec.js';
import { encodePlan } from '../../src/plan/plan.js';

/** What a launcher says of one handle. */
export class Ear implements ContainerListener {
  readonly events: ContainerEvent[] = [];
  lost: Error | undefined;
  #wake: () => void = () => undefined;

  onEvent(event: ContainerEvent): void {
    this.events.push(event);
    this.#wake();
  }

  onLost(error: Error): void {
    this.lost = error;
    this.#wake();
  }

  /** Resolves with the first event of these kinds. */
  async hears(...ops: readonly ContainerEvent['op'][]): Promise<ContainerEvent> {
    for (;;) {
      const found = this.events.find(({ op }) => ops.includes(op));
      if (found !== undefined) return found;
      if (this.lost !== undefined) throw this.lost;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Executes a program as an ordinary user's launcher does: by a process in between that is born in the container's cgroup. */
export function executeByMidwife(runtime: Runtime, container: Container, command: readonly string[]): Ear {
  const { spec, extensions, id } = container.record;
  const plan = compileExec({
    containerId: id,
    spec,
    extensions,
    process: { ...spec.process, user: { uid: 0, gid: 0 }, cwd: '/', args: [...command] },
    hasCgroup: true,
    survive: false,
    privileged: false,
    drainTerminal: false,
    host: { ...runtime.host, uid: 1000 },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  const ear = new Ear();
  container.launcher.launch('', encodePlan(plan), [], ear);
  return ear;
}
