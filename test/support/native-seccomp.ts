/** The addon's seccomp compiler: the project's own build, or the one that TSRUN_ADDON names (one built with sanitizers). */
import { createRequire } from 'node:module';
import { loadNative } from '../../src/engine/addon.js';
import type { CompileSeccomp } from '../../src/engine/seccomp.js';

export function loadCompileSeccomp(): CompileSeccomp {
  const path = process.env['TSRUN_ADDON'];
  if (path === undefined || path === '') return (profile) => loadNative().addon.compileSeccomp(profile);
  const module: unknown = createRequire(import.meta.url)(path);
  const compile: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, 'compileSeccomp') : undefined;
  if (typeof compile !== 'function') throw new Error(`${path} has no compileSeccomp`);
  return (profile) => {
    const result: unknown = Reflect.apply(compile, undefined, [profile]);
    if (!(result instanceof Uint8Array)) throw new Error('compileSeccomp gave no bytes');
    return result;
  };
}
