/** `tsrun mount` */
import { TsrunError, isContainerId, type HostMount, type HostMountSummary, type Runtime } from '../index.js';
import { withRuntime } from './containers.js';
import { shortDigest } from './image-names.js';
import { interruptible } from './interruption.js';
import type { CommandFlags, Invocation } from './invocation.js';
import { escapeControl, ago, painter, renderJson, renderTable, type Column } from './output.js';

const columns: readonly Column[] = [{ title: 'PATH' }, { title: 'KIND' }, { title: 'NAME', style: () => 'yellow' }, { title: 'IMAGE' }, { title: 'MOUNTED' }];

export async function run({ flags, positionals: [name, target], stdout, env }: Invocation): Promise<number> {
  return withRuntime(async (runtime) => {
    if (name === undefined) {
      const mounts = runtime.mounts.list();
      stdout.write(flags.json === true ? renderJson(mounts) : renderTable(columns, mounts.map((each) => cells(each, Date.now())), { paint: painter(stdout, env) }));
      return 0;
    }
    const { id, kind, digest, path, createdAtMs } = await interruptible(async (signal) => mount(runtime, name, { target, flags, signal }));
    stdout.write(flags.json === true ? renderJson({ id, kind, name, ...(digest !== undefined && { digest }), path, createdAtMs }) : `${escapeControl(path)}\n`);
    return 0;
  }, flags);
}

interface Wish {
  readonly target: string | undefined;
  readonly flags: CommandFlags;
  readonly signal: AbortSignal;
}

/** A name may be of both: containers are looked at first, as inspect does. */
async function mount(runtime: Runtime, name: string, { target, flags: { type, noFollow = false }, signal }: Wish): Promise<HostMount> {
  const options = { ...(target !== undefined && { target }), followLinks: !noFollow };
  if (type !== 'image' && (type === 'container' || isContainerId(name))) {
    try {
      return await runtime.mounts.container(name, options);
    } catch (error) {
      if (type === 'container' || !TsrunError.is(error) || error.code !== 'ERR_TSRUN_NOT_FOUND') throw error;
    }
  }
  return runtime.mounts.image(name, { ...options, signal });
}

function cells({ path, kind, name, digest, createdAtMs }: HostMountSummary, nowMs: number): string[] {
  return [path, kind, name, digest === undefined ? '' : shortDigest(digest), ago(nowMs - createdAtMs)];
}
