import { createContainer, letGo, type CreateRequest } from '../create-container.js';
import type { Command, Context } from '../command.js';
import { inheritedCountOf, listeningCountOf } from '../streams.js';
import { textOf, type FlagTable, type Words } from '../words.js';

/** Of `create` and `run`. */
export const createFlags: FlagTable = {
  bundle: { kind: 'text', short: 'b', says: 'folder of the bundle (default: the current one)' },
  config: { kind: 'text', says: 'file to read in the place of config.json, by its path from the bundle' },
  'console-socket': { kind: 'text', says: 'path of an AF_UNIX socket that is sent the master of the terminal' },
  'pidfd-socket': { kind: 'text', says: 'path of an AF_UNIX socket that is sent a pidfd of the first process' },
  'pid-file': { kind: 'text', says: 'file to write the pid of the first process to' },
  'no-pivot': { kind: 'refused', says: 'the root is changed by pivot_root alone, since chroot can be left again' },
  'no-new-keyring': { kind: 'flag', says: 'leave the program the session keyring of the caller' },
  'preserve-fds': { kind: 'count', says: 'how many of the caller\'s descriptors from 3 on the program inherits' },
};

export const create: Command = {
  says: 'create a container',
  usage: '<container-id>',
  flags: createFlags,
  argumentCount: 1,
  run: (context, words) => {
    letGo(createContainer(createRequest(context, words)));
    return 0;
  },
};

export function createRequest({ settings }: Context, words: Words): CreateRequest {
  const listeningCount = listeningCountOf();
  return {
    root: settings.root,
    needsCgroup: settings.needsCgroup,
    cgroupManager: settings.cgroupManager,
    id: words.rest[0] ?? '',
    bundle: textOf(words, 'bundle') ?? '.',
    config: textOf(words, 'config'),
    consoleSocket: textOf(words, 'console-socket'),
    pidfdSocket: textOf(words, 'pidfd-socket'),
    pidFile: textOf(words, 'pid-file'),
    keepsKeyring: words.flags.has('no-new-keyring'),
    listeningCount,
    inheritedCount: inheritedCountOf(words, listeningCount),
  };
}
