/** Flags of the commands that look at containers or act on them. */
import { sortKeys } from '../top/sort-keys.js';
import { containerName, decimal, integer, oneOf, seconds, signal, toggle } from '../values/basic.js';
import { since } from '../values/since.js';
import type { ValueType } from '../values/value-type.js';
import { flag, type Flag } from './flag.js';

const group = 'General';
const output = 'Output';

const lineCount: ValueType<number | undefined> = {
  kind: 'integer',
  placeholder: 'LINES',
  parse: (value, context) => (value === 'all' ? undefined : integer({ min: 0 }).parse(value, context)),
  completion: ['all', '10', '100'],
};

const interval: ValueType<number> = {
  ...decimal({ min: 0.1, max: 3600 }, 'SECONDS'),
  parse: (value, context) => decimal({ min: 0.1, max: 3600 }).parse(value, context) * 1000,
};

export const commandFlags: readonly Flag[] = [
  flag(toggle, {
    name: 'all',
    short: 'a',
    help: 'show containers that have ended, too',
    group,
    commands: ['ps'],
    apply: (draft, value) => (draft.flags.all = value),
  }),
  flag(toggle, {
    name: 'quiet',
    short: 'q',
    help: 'print names only',
    group: output,
    commands: ['ps'],
    apply: (draft, value) => (draft.flags.quiet = value),
  }),
  flag(toggle, {
    name: 'archive',
    short: 'a',
    help: 'keep the owners, by their numbers, and with them set-id bits and capabilities',
    group,
    default: "root's in the container, yours outside",
    commands: ['cp'],
    apply: (draft, value) => (draft.flags.archive = value),
  }),
  flag(toggle, {
    name: 'follow-link',
    short: 'L',
    help: 'copy what SOURCE leads to, if it is a link',
    group,
    commands: ['cp'],
    apply: (draft, value) => (draft.flags.followLink = value),
  }),
  flag(toggle, {
    name: 'quiet',
    short: 'q',
    help: 'say nothing of what was copied',
    group: output,
    commands: ['cp'],
    apply: (draft, value) => (draft.flags.quiet = value),
  }),
  flag(toggle, {
    name: 'follow',
    short: 'f',
    help: 'go on with what is printed from now on',
    group,
    commands: ['logs'],
    apply: (draft, value) => (draft.flags.follow = value),
  }),
  flag(lineCount, {
    name: 'tail',
    short: 'n',
    help: 'show this many lines from the end',
    group,
    default: 'all',
    example: '100',
    commands: ['logs'],
    apply: (draft, value) => {
      if (value === undefined) delete draft.flags.tail;
      else draft.flags.tail = value;
    },
  }),
  flag(since, {
    name: 'since',
    help: 'show what was printed after a time (2026-01-31T12:00:00Z), or in the last 42m or 1h30m',
    group,
    example: '42m',
    commands: ['logs'],
    apply: (draft, value) => (draft.flags.sinceMs = value),
  }),
  flag(toggle, {
    name: 'timestamps',
    short: 't',
    help: 'put the time before each line',
    group: output,
    commands: ['logs'],
    apply: (draft, value) => (draft.flags.timestamps = value),
  }),
  flag(seconds, {
    name: 'timeout',
    short: 't',
    aliases: ['time'],
    help: 'time before SIGKILL; -1 waits for ever',
    group,
    default: "the container's --stop-timeout",
    example: '30',
    commands: ['stop'],
    apply: (draft, value) => (draft.flags.timeoutMs = value),
  }),
  flag(signal, {
    name: 'signal',
    short: 's',
    help: 'signal to send',
    group,
    default: 'SIGKILL',
    example: 'SIGHUP',
    commands: ['kill'],
    apply: (draft, value) => (draft.flags.signal = value),
  }),
  flag(signal, {
    name: 'signal',
    short: 's',
    help: 'signal to send first',
    group,
    default: "the container's --stop-signal",
    example: 'SIGINT',
    commands: ['stop'],
    apply: (draft, value) => (draft.flags.signal = value),
  }),
  flag(toggle, {
    name: 'force',
    short: 'f',
    help: 'kill the container first if it runs',
    group,
    commands: ['rm'],
    apply: (draft, value) => (draft.flags.force = value),
  }),
  flag(toggle, {
    name: 'no-stream',
    help: 'print once instead of going on',
    group: output,
    commands: ['stats', 'top'],
    apply: (draft, value) => (draft.flags.noStream = value),
  }),
  flag(interval, {
    name: 'interval',
    help: 'time between two samples',
    group,
    default: '1',
    example: '0.5',
    commands: ['top'],
    apply: (draft, value) => (draft.flags.intervalMs = value),
  }),
  flag(oneOf('COLUMN', sortKeys), {
    name: 'sort',
    help: 'sort by this column: figures from the largest on',
    group: output,
    default: 'cpu; for one sample, name',
    example: 'memory',
    commands: ['top'],
    apply: (draft, value) => (draft.flags.sortBy = value),
  }),
  flag(toggle, {
    name: 'isolation',
    help: 'show which walls stand: namespaces, user map, capabilities, seccomp, Landlock, mounts, cgroup',
    group,
    commands: ['inspect'],
    apply: (draft, value) => (draft.flags.isolation = value),
  }),
  flag(containerName, {
    name: 'diff',
    placeholder: 'CONTAINER',
    help: 'show only where the isolation differs from that of another container',
    group,
    example: 'web.2',
    commands: ['inspect'],
    apply: (draft, value) => {
      draft.flags.diffWith = value;
      draft.flags.isolation = true;
    },
  }),
  flag(toggle, {
    name: 'diff',
    help: 'compare with the plan of a second set of flags, which follows after --',
    group: output,
    commands: ['explain'],
    apply: (draft, value) => (draft.flags.diff = value),
  }),
  flag(toggle, {
    name: 'json',
    help: 'print JSON',
    group: output,
    commands: ['explain', 'ps', 'stats', 'top', 'inspect', 'diff', 'doctor', 'images', 'pull', 'load', 'rmi', 'prune', 'history', 'layers', 'mount'],
    apply: (draft, value) => (draft.flags.json = value),
  }),
  flag(toggle, {
    name: 'json',
    help: 'print how it ended, or the error for which it did not start, as a line of JSON on standard error; with --detach, the name on standard output',
    group: output,
    commands: ['run'],
    apply: (draft, value) => (draft.flags.json = value),
  }),
];
