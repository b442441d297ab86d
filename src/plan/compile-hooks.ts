/**
 * Hooks that are run before the program, in the order of runtime.md, "Lifecycle". Those of the container's namespaces are steps of its
 * first process; for those of the runtime's it waits until the client has run them. What comes after the start of the program is the client's.
 */
import { hookArguments, hookTimeoutMs, stateText, type HookState } from '../spec/hooks.js';
import type { Hooks, Linux } from '../spec/types.js';
import type { Compilation, HookOutputSlots } from './compilation.js';
import type { PlanInput } from './input.js';
import { privatePropagation } from './mount-options.js';
import { ownsRoot } from './own-root.js';
import type { PlanBuilder } from './plan.js';

/** What the client does for the container while that waits, before any hook: by the field that asks for it. */
export const clientFields = { netDevices: '/linux/netDevices', intelRdt: '/linux/intelRdt' } as const;

/** In the launcher. Gives what is to be done in the container once it has its mounts, before pivot_root(2). */
export function compileCreateHooks(compilation: Compilation): () => void {
  const { input, builder, namespaces } = compilation;
  const { spec: { hooks = {}, linux }, ociRuntime, rootPath } = input;
  const { prestart = [], createRuntime = [], createContainer = [] } = hooks;
  const before = [...prestart, ...createRuntime];
  if (ociRuntime === undefined) return () => undefined;
  const waits = clientFieldsOf(linux).map((each) => () => { builder.add(each, { op: 'awaitClient', openFiles: false }); });
  if (before.length + createContainer.length === 0) return () => { for (const wait of waits) wait(); };
  const field = before.length === 0 ? '/hooks/createContainer' : '/hooks';
  const needsHost = ownsRoot(input, namespaces);
  const [host, place] = needsHost ? [builder.slot(), builder.slot()] : [-1, -1];
  if (needsHost) {
    builder.add(field, { op: 'openTree', path: '/', recursive: true, follow: true, into: host });
    builder.add(field, { op: 'setMount', mount: host, recursive: true, set: 0n, clear: 0n, propagation: privatePropagation, idMap: null });
    // By the launcher: a user namespace may have no right to go there.
    builder.add(field, { op: 'findInTree', mount: host, path: rootPath, into: place });
  }
  return () => {
    for (const wait of waits) wait();
    // Hooks know the root by its place on the host, and are programs of the host, which need its files.
    if (needsHost) builder.add(field, { op: 'enterHost', mount: host, place });
    if (before.length > 0) builder.add(field, { op: 'awaitClient', openFiles: false });
    addHooks('createContainer', ociRuntime.hookState, compilation);
  };
}

function clientFieldsOf({ netDevices = {}, intelRdt }: Linux = {}): string[] {
  return [...(Object.keys(netDevices).length === 0 ? [] : [clientFields.netDevices]), ...(intelRdt === undefined ? [] : [clientFields.intelRdt])];
}

/** In the container, right before its program, as its user. */
export function compileStartHooks(compilation: Compilation): void {
  const { ociRuntime } = compilation.input;
  if (ociRuntime !== undefined) addHooks('startContainer', ociRuntime.hookState, compilation);
}

/** Before any other slot is taken. */
export function passHookOutputs({ ociRuntime }: PlanInput, builder: PlanBuilder): HookOutputSlots {
  const hookOutputs = ociRuntime?.hookOutputs;
  return {
    ...(hookOutputs?.stdout === true && { stdout: builder.pass('hooks:stdout') }),
    ...(hookOutputs?.stderr === true && { stderr: builder.pass('hooks:stderr') }),
  };
}

function addHooks(kind: keyof Hooks, state: HookState, { input: { spec: { hooks = {} } }, builder, kept }: Compilation): void {
  const { stdout = null, stderr = null } = kept?.hookOutputs ?? {};
  for (const [index, { path, args, env = [], timeout = 0 }] of (hooks[kind] ?? []).entries()) {
    const [stateHead = '', stateTail = ''] = stateText(state, 'created', pidMark).split(pidMark);
    builder.add(`/hooks/${kind}/${index}`, { op: 'runHook', path, arguments: hookArguments(path, args), environment: env, timeoutMs: hookTimeoutMs(timeout), stateHead, stateTail, stdout, stderr });
  }
}

/** Stands where the container alone knows the number (runtime.md, "State": "the pid as seen by the container"); no text of JSON has it. */
const pidMark = '\u0000';
