/** `tsrun unmount` */
import { realpathSync } from 'node:fs';
import { TsrunError, type HostMountSummary, type Runtime } from '../index.js';
import { tellFailure, withRuntime } from './containers.js';
import type { Invocation } from './invocation.js';
import { escapeControl } from './output.js';

/** One that fails does not keep the others. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, positionals, stdout } = invocation;
  const { all = false, force = false } = flags;
  if (!all && positionals.length === 0) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'unmount needs to be told what', { hint: 'name an image, a container or a path, or take all with --all' });
  return withRuntime(async (runtime) => {
    let failed = false;
    const unmount = async ({ path }: HostMountSummary) => {
      try {
        await runtime.mounts.unmount(path, { force });
        stdout.write(`${escapeControl(path)}\n`);
      } catch (error) {
        tellFailure(error, invocation);
        failed = true;
      }
    };
    const latestFirst = () => runtime.mounts.list().toReversed();
    if (all) for (const mount of latestFirst()) await unmount(mount);
    for (const name of all ? [] : new Set(positionals)) {
      const meant = await mountsOf(runtime, name, latestFirst());
      for (const mount of meant) await unmount(mount);
      if (meant.length > 0) continue;
      tellFailure(new TsrunError('ERR_TSRUN_NOT_FOUND', `nothing of '${escapeControl(name)}' is mounted`, { hint: 'tsrun mount lists what is' }), invocation);
      failed = true;
    }
    return failed ? 1 : 0;
  }, flags);
}

/** By path, by the name that it was mounted by, or as another name or the digest of the same image. */
async function mountsOf(runtime: Runtime, name: string, mounts: readonly HostMountSummary[]): Promise<readonly HostMountSummary[]> {
  const [at] = mounts.filter(({ path }) => path === realOrSame(name));
  if (at !== undefined) return [at];
  const named = mounts.filter((each) => each.name === name || each.id === name);
  if (named.length > 0) return named;
  const digest = await digestOf(runtime, name);
  return digest === undefined ? [] : mounts.filter((each) => each.digest === digest);
}

async function digestOf(runtime: Runtime, name: string): Promise<string | undefined> {
  try {
    return (await runtime.images.inspect(name)).digest;
  } catch {
    return undefined;
  }
}

function realOrSame(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
