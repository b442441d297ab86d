/** What dynos use now. */
import type { Dyno } from '../dyno.js';
import type { DynoSize } from '../sizes/sizes.js';
import type { DynoReading } from './open-metrics.js';

export async function readings(dynos: readonly Dyno[], sizeOf: (type: string) => DynoSize | undefined): Promise<DynoReading[]> {
  return Promise.all(
    dynos.map(async ({ name, type, state, crashes, sample, container }) => {
      // Who has no cgroup, or has just ended, has no figures.
      const stats = await container?.stats().catch(() => undefined);
      return { name, type, state, crashes, sample, stats, quotaBytes: sizeOf(type)?.memoryBytes };
    }),
  );
}
