/** What is told of a live container while it is a dyno: samples, quotas, and limits that it reaches. */
import type { Container } from '../../container/container.js';
import type { Clock } from '../clock.js';
import type { DynoNews, LimitEvent } from '../events.js';
import type { DynoSize } from '../sizes/sizes.js';
import { containerSource } from './container-source.js';
import { startMeter } from './meter.js';

export interface MeasureSettings {
  readonly clock: Clock;
  readonly type: string;
  readonly number: number;
  /** Of its container. */
  readonly id: string;
  /** Which start of the dyno it is. */
  readonly instance: string | undefined;
  readonly size?: DynoSize;
  readonly metrics: boolean;
}

/** Without what is the same of all events of the dyno. */
export type Told = LimitEvent | Unnamed<Extract<DynoNews, { readonly type: 'sample' }>> | Unnamed<Extract<DynoNews, { readonly type: 'quota' }>>;
type Unnamed<T> = Omit<T, 'dyno' | 'timeMs'>;

export interface MeasureActions {
  readonly log: (message: string) => void;
  readonly tell: (event: Told) => void;
}

/** @returns ends the samples; what limits have to say ends with the container */
export function measure(container: Container, { clock, type, number, id, instance = 'unknown', size, metrics }: MeasureSettings, { log, tell }: MeasureActions): () => void {
  void forward(container, tell);
  if (size === undefined && !metrics) return () => undefined;
  const settings = { clock, name: `${type}.${number}`, id: `heroku.${id}.${instance}`, isLogged: metrics, ...(size !== undefined && { size }) };
  return startMeter(settings, containerSource(container), {
    log,
    sampled: (sample) => {
      tell({ type: 'sample', sample });
    },
    exceeded: (code, usedBytes, quotaBytes) => {
      tell({ type: 'quota', code, usedBytes, quotaBytes });
    },
  });
}

async function forward(container: Container, tell: (event: LimitEvent) => void): Promise<void> {
  for await (const event of container.events()) if (event.type !== 'started' && event.type !== 'exited') tell(event);
}
