/** The connections that dynos have. */
import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import type { Backend } from './backends.js';
import { reset, splice } from './splice.js';

/** When a program has ended, a client that reads nothing of what it said last for so long does not get it: the kernel keeps the dyno's network until then. */
const lastWordsMs = 30_000;

/** Of one connection; it counts while it is being made, too. */
export interface Link {
  readonly backend: Backend;
  /** The connection ends with it. */
  readonly container: object | undefined;
  readonly client: Socket;
  dyno?: Socket;
  isOrphan?: boolean;
}

export class Links {
  readonly #clock: Clock;
  readonly #links = new Set<Link>();
  readonly #counts = new Map<Backend, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  count(backend: Backend): number {
    return this.#counts.get(backend) ?? 0;
  }

  add(backend: Backend, client: Socket): Link {
    const link: Link = { backend, container: backend.container, client };
    this.#links.add(link);
    this.#counts.set(backend, this.count(backend) + 1);
    return link;
  }

  remove(link: Link): void {
    this.#links.delete(link);
    const left = this.count(link.backend) - 1;
    if (left > 0) this.#counts.set(link.backend, left);
    else this.#counts.delete(link.backend);
  }

  /** Until it is over. */
  async pass(link: Link, dyno: Socket): Promise<void> {
    link.dyno = dyno;
    this.#cutOrphan(link);
    await splice(link.client, dyno);
  }

  /** What a program that has ended said last is passed on; then the connection is reset. */
  cutOrphans(): void {
    for (const link of this.#links) this.#cutOrphan(link);
  }

  reset(): void {
    for (const { client } of this.#links) reset(client);
  }

  #cutOrphan(link: Link): void {
    const { backend, container, client, dyno } = link;
    if (dyno === undefined || link.isOrphan === true || backend.container === container) return;
    link.isOrphan = true;
    cutWhenSilent(this.#clock, dyno);
    const cut = () => {
      if (client.writableFinished) reset(dyno);
      else client.once('finish', () => {
        reset(dyno);
      });
    };
    if (dyno.readableEnded) cut();
    else dyno.once('end', cut);
  }
}

/** Looks again after each such time, not at each byte. */
function cutWhenSilent(clock: Clock, dyno: Socket): void {
  const { bytesRead } = dyno;
  const cancel = clock.after(lastWordsMs, () => {
    dyno.off('close', cancel);
    if (dyno.bytesRead === bytesRead) reset(dyno);
    else cutWhenSilent(clock, dyno);
  });
  dyno.once('close', cancel);
}
