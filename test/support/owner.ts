/**
 * A Node process of its own that owns containers, for tests that kill it: `node owner.js JSON`. It prints a line of JSON for
 * each container that runs, and then lives until it is ended.
 */
import { Runtime, type RunOptions } from '../../src/index.js';

export interface Errand {
  readonly stateRoot: string;
  readonly image: string;
  /** Containers that are started at once, one after the other or (`storm`) again and again. */
  readonly containers: readonly RunOptions[];
  readonly storm?: { readonly prefix: string; readonly atOnce: number };
}

export interface Started {
  readonly id: string;
  readonly pid: number;
}

async function main({ stateRoot, image, containers, storm }: Errand): Promise<void> {
  const runtime = await Runtime.open({ root: stateRoot });
  process.stdout.write('open\n');
  for (const options of containers) {
    const { id, pid } = await runtime.run(image, options);
    process.stdout.write(`${JSON.stringify({ id, pid } satisfies Started)}\n`);
  }
  if (storm !== undefined) await Promise.all(Array.from({ length: storm.atOnce }, async (_, lane) => startForEver(runtime, image, `${storm.prefix}-${process.pid}-${lane}`)));
  setInterval(() => undefined, 60_000);
}

async function startForEver(runtime: Runtime, image: string, prefix: string): Promise<void> {
  for (let number = 0; ; number++) {
    const container = await runtime.run(image, { id: `${prefix}-${number}`, command: ['sleep', '0.01'], stdout: 'ignore', stderr: 'ignore' });
    await container.exited;
  }
}

await main(JSON.parse(process.argv[2] ?? '{}') as Errand);
