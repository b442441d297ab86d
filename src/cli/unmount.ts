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
      try {
        for (const mount of await mountsOf(runtime, name, latestFirst())) await unmount(mount);
      } catch (error) {
        tellFailure(error, invocation);
        failed = true;
      }
    }
    return failed ? 1 : 0;
  }, flags);
}

/** By path, by the name or digest that it was mounted by: another name of the same image is somebody else's mount. */
async function mountsOf(runtime: Runtime, name: string, mounts: readonly HostMountSummary[]): Promise<readonly HostMountSummary[]> {
  const [at] = mounts.filter(({ path }) => path === realOrSame(name));
  if (at !== undefined) return [at];
  const named = mounts.filter((each) => each.id === name || [name, `${name}:latest`].includes(each.name) || `${each.name}:latest` === name);
  if (new Set(named.map(({ kind }) => kind)).size > 1) throw new TsrunError('ERR_TSRUN_STATE', `'${escapeControl(name)}' is mounted as a container and as an image`, { hint: `name the place: ${places(named)}` });
  if (named.length > 0) return named;
  const byDigits = /^(?:sha256:)?[\da-f]{4,64}$/.test(name) ? mounts.filter(({ digest }) => digest?.replace('sha256:', '').startsWith(name.replace('sha256:', ''))) : [];
  if (byDigits.length > 0 && new Set(byDigits.map(({ digest }) => digest)).size === 1) return byDigits;
  const digest = await digestOf(runtime, name);
  const same = digest === undefined ? [] : mounts.filter((each) => each.digest === digest);
  throw new TsrunError('ERR_TSRUN_NOT_FOUND', `nothing of '${escapeControl(name)}' is mounted`, {
    hint: same.length === 0 ? 'tsrun mount lists what is' : `the same image is, by another name: ${places(same)}`,
  });
}

function places(mounts: readonly HostMountSummary[]): string {
  return mounts.map(({ name, path }) => escapeControl(`${path} (${name})`)).join(', ');
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
