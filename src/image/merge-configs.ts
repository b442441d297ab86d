/** A slug over its stack: one image, made of two. */

import type { ImageConfig, RunConfig } from './documents.js';

/**
 * As if the slug had been built upon the stack: what the slug says replaces what the stack says, lists by name are laid over each other,
 * and an entrypoint of the slug's takes the stack's command away, as one in a Dockerfile does.
 */
export function mergeConfigs(stack: ImageConfig, slug: ImageConfig): ImageConfig {
  const history = [...historyOf(stack), ...historyOf(slug)];
  return {
    ...stack,
    ...(slug.created !== undefined && { created: slug.created }),
    ...(slug.author !== undefined && { author: slug.author }),
    config: mergeRunConfigs(stack.config ?? {}, slug.config ?? {}),
    rootfs: { type: 'layers', diff_ids: [...stack.rootfs.diff_ids, ...slug.rootfs.diff_ids] },
    ...(history.length > 0 && { history }),
  };
}

function mergeRunConfigs(stack: RunConfig, slug: RunConfig): RunConfig {
  const { Cmd, ...withoutCommand } = stack;
  const below = slug.Entrypoint === undefined || Cmd === undefined ? stack : withoutCommand;
  const Env = mergeEnvironments(stack.Env, slug.Env);
  return {
    ...below,
    ...slug,
    ...(Env.length > 0 && { Env }),
    ...laidOver(stack, slug, 'ExposedPorts'),
    ...laidOver(stack, slug, 'Volumes'),
    ...laidOver(stack, slug, 'Labels'),
  };
}

/** One entry a name, where the stack has it. */
function mergeEnvironments(stack: readonly string[] = [], slug: readonly string[] = []): string[] {
  const entries = new Map<string, string>();
  for (const entry of [...stack, ...slug]) entries.set(entry.split('=', 1)[0] ?? '', entry);
  return [...entries.values()];
}

function laidOver(stack: RunConfig, slug: RunConfig, member: 'ExposedPorts' | 'Volumes' | 'Labels'): RunConfig {
  const [below, above] = [stack[member], slug[member]];
  return below === undefined && above === undefined ? {} : { [member]: { ...below, ...above } };
}

/** History must not shift: a part without one has an entry for each of its layers (config.md, "history"). */
function historyOf({ history, rootfs }: ImageConfig): NonNullable<ImageConfig['history']> {
  return history ?? rootfs.diff_ids.map(() => ({}));
}
