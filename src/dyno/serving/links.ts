/** The connections that dynos have. */
import type { Socket } from 'node:net';
import type { Backend } from './backends.js';
import { reset, splice } from './splice.js';

/** From the end of a program on, for what it said last to reach a client that reads slowly: the kernel keeps the dyno's network until then. */
const lastWordsMs = 30_000;

/** Of one connection; it counts while it is being made, too. */
export interface Link {
  readonly backend: Backend;
  /** The connection ends with it. */
  readonly container: object | undefined;
  readonly client: Socket;
  dyno?: Socket;
}

export class Links {
  readonly #links = new Set<Link>();
  readonly #counts = new Map<Backend, number>();

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
    if (link.backend.container !== link.container) orphan(link.client, dyno);
    await splice(link.client, dyno);
  }

  /** What a program that has ended said last is passed on; then the connection is reset. */
  cutOrphans(): void {
    for (const { backend, container, client, dyno } of this.#links) if (dyno !== undefined && backend.container !== container) orphan(client, dyno);
  }

  reset(): void {
    for (const { client } of this.#links) reset(client);
  }
}

function orphan(client: Socket, dyno: Socket): void {
  const cut = () => {
    if (client.writableFinished) reset(dyno);
    else client.once('finish', () => {
      reset(dyno);
    });
  };
  dyno.setTimeout(lastWordsMs, () => {
    reset(dyno);
  });
  if (dyno.readableEnded) cut();
  else dyno.once('end', cut);
}
