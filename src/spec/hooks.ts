/** What a hook is given, wherever it is run (config.md, "POSIX-platform Hooks"). */
import type { Hook } from './types.js';

/** Of a container, what hooks are told (runtime.md, "State") besides its status and its pid. */
export interface HookState {
  readonly ociVersion: string;
  readonly id: string;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** @param pid a number, or a mark for it */
export function stateText({ ociVersion, id, bundle, annotations }: HookState, status: string, pid: string): string {
  const rest = JSON.stringify({ bundle, ...(annotations === undefined ? {} : { annotations }) });
  return `${JSON.stringify({ ociVersion, id, status }).slice(0, -1)},"pid":${pid},${rest.slice(1)}`;
}

/** The name of a program is its first argument (execve(2)); who gives none means the path, as runc and crun have it. */
export function hookArguments(path: string, args: Hook['args'] = []): readonly string[] {
  return args.length === 0 ? [path] : args;
}

const longestMs = 2_147_483_647;

/** 0: as long as it takes. */
export function hookTimeoutMs(seconds: number): number {
  return Math.min(seconds * 1000, longestMs);
}
