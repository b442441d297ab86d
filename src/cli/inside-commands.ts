/** Rows of the table of commands: what looks into images and containers from outside. */
import type { Command } from './command.js';

export const insideCommands: readonly Command[] = [
  {
    name: 'diff',
    takesProgram: false,
    failureCode: 1,
    summary: 'show what a container has changed of its image',
    usage: 'tsrun diff [flags] CONTAINER',
    description:
      'A was added, C changed, D removed; a folder counts as changed when something below it is. What tsrun puts into a root itself, as mount ' +
      'points and /etc/hosts, does not count. Of a container that has ended only what it wrote to disk is still there: --storage-opt type=disk.',
    positionals: [{ name: 'container', required: true, many: false, completion: 'container' }],
    examples: [{ line: 'tsrun diff web', what: 'what a server has written so far' }],
  },
  {
    name: 'mount',
    takesProgram: false,
    failureCode: 1,
    summary: 'mount an image or a container on the host, for looking inside',
    usage: 'tsrun mount [flags] [IMAGE|CONTAINER [TARGET]]',
    description:
      'Read-only, without devices and set-id bits, until unmount; prints where, and without a name lists what is mounted. TARGET is a folder that exists. Of a ' +
      'container it is the root without its own mounts: of a live one as it changes, of one that has ended what it left on disk. Links lead where they ' +
      'say, also out of it: with --no-follow they lead nowhere. What is mounted counts as used. For root alone; others look inside with run, or copy with cp.',
    positionals: [{ name: 'image or container', required: false, many: false, completion: 'object' }, { name: 'target', required: false, many: false, completion: 'file' }],
    examples: [{ line: 'ls "$(tsrun mount app)"', what: 'the root of an image' }],
  },
  {
    name: 'unmount',
    takesProgram: false,
    failureCode: 1,
    aliases: ['umount'],
    summary: 'let go of what mount has mounted; also called umount',
    usage: 'tsrun unmount [flags] IMAGE|CONTAINER|PATH…',
    positionals: [{ name: 'image, container or path', required: false, many: true, completion: 'object' }],
    examples: [{ line: 'tsrun unmount --all', what: 'everything that is mounted' }],
  },
];
