import { createContainer, letGo, type CreateRequest } from '../create-container.js';
import type { Command } from '../command.js';
import type { Settings } from '../settings.js';
import { textOf, type FlagTable, type Words } from '../words.js';

/** Of `create` and `run`. */
export const createFlags: FlagTable = {
  bundle: { kind: 'text', short: 'b' },
  'console-socket': { kind: 'text' },
  'pid-file': { kind: 'text' },
  'preserve-fds': { kind: 'text' },
};

export const create: Command = {
  flags: createFlags,
  argumentCount: 1,
  run: ({ settings }, words) => {
    letGo(createContainer(createRequest(settings, words)));
    return 0;
  },
};

export function createRequest(settings: Settings, words: Words): CreateRequest {
  return {
    root: settings.root,
    id: words.rest[0] ?? '',
    bundle: textOf(words, 'bundle') ?? '.',
    consoleSocket: textOf(words, 'console-socket'),
    pidFile: textOf(words, 'pid-file'),
    preservedCount: Number(textOf(words, 'preserve-fds') ?? 0),
  };
}
