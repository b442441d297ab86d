/** The addon's seccomp compiler: the project's own build, or the one that TSRUN_ADDON names. */
import { createRequire } from 'node:module';
import type { CompileSeccomp } from '../../src/engine/seccomp.js';

export async function loadCompileSeccomp(): Promise<CompileSeccomp> {
  const compile = member(await loadModule(), 'compileSeccomp');
  if (typeof compile !== 'function') throw new Error('the addon has no compileSeccomp');
  return (profile) => {
    const result: unknown = Reflect.apply(compile, undefined, [profile]);
    if (!(result instanceof Uint8Array)) throw new Error('compileSeccomp gave no bytes');
    return result;
  };
}

async function loadModule(): Promise<unknown> {
  const path = process.env['TSRUN_ADDON'];
  if (path !== undefined && path !== '') return createRequire(import.meta.url)(path);
  const loader = new URL('../../src/engine/addon.js', import.meta.url).href;
  const load = member(await import(loader), 'loadAddon');
  if (typeof load !== 'function') throw new Error('src/engine/addon.ts exports no loadAddon');
  return Reflect.apply(load, undefined, []);
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
