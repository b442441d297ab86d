/** How this process comes to a container that another has started. */
import type { Launcher } from '../engine/launcher.js';
import type { HandedOver } from '../plan/plan.js';
import type { Container } from './container.js';

export async function introduce(container: Container, launcher: Launcher, role: 'watch' | 'attach' | 'adopt', pid = 0): Promise<void> {
  container.bind(await launcher.adopt(container.id, role === 'adopt', container));
  container.take(pid, role === 'watch' ? new Map() : nameStreams(await launcher.attach(container.handle)));
}

/** As the launcher names them when a client attaches: what a terminal prints comes as its output. */
function nameStreams(streams: ReadonlyMap<string, number>): Map<HandedOver, number> {
  const named = new Map<HandedOver, number>();
  const terminal = streams.get('terminal');
  for (const name of ['stdin', 'stdout', 'stderr', 'terminal'] as const) {
    const fd = streams.get(name);
    if (fd !== undefined) named.set(name === 'stdout' && terminal !== undefined ? 'terminalOutput' : name, fd);
  }
  return named;
}
