/** Flags about the program: what is run, as whom, with which environment. */
import { parseId } from '../../index.js';
import { integer, matching, text, toggle, type IntegerRange } from '../values/basic.js';
import { environmentFile, variable } from '../values/environment.js';
import { empty, listOf, orUnset, pairsOf, type ValueType } from '../values/value-type.js';
import { flag, runLike, setOption, starting, type Flag } from './flag.js';

const group = 'Process';
const oomRange: IntegerRange = { min: -1000, max: 1000 };
const innerFolder = matching('DIR', /^\/[^\0]*$/, 'an absolute path in the container');
const user = matching('USER[:GROUP]', /^[^\s:\0]+(:[^\s:\0]+)?$/, 'USER or USER:GROUP, each a name or a number');
const anyGroup = matching('GROUP', /^[^\s:\0]+$/, 'the name or number of a group');
// gethostname(2): 64 bytes at most.
const hostName = matching('NAME', /^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/, 'up to 64 letters, digits, "." or "-"');

/** An empty entrypoint takes the image's own away. */
const entrypoint: ValueType<readonly string[]> = {
  kind: 'string',
  placeholder: 'PROGRAM',
  parse: (value, context) => (value === '' ? [] : [text('PROGRAM').parse(value, context)]),
};

export const processFlags: readonly Flag[] = [
  flag(pairsOf(variable), {
    name: 'env',
    short: 'e',
    help: 'set an environment variable; a name alone copies yours',
    group,
    example: 'PORT=5000',
    commands: [...starting, 'exec'],
    apply: (draft, value) => (draft.options.env = { ...draft.options.env, ...value }),
  }),
  flag(listOf(environmentFile), {
    name: 'env-file',
    help: 'read environment variables from a file, one NAME=VALUE a line',
    group,
    example: './app.env',
    commands: [...starting, 'exec'],
    apply: (draft, value) => (draft.fileEnv = { ...draft.fileEnv, ...value }),
  }),
  flag(orUnset(innerFolder, empty), {
    name: 'workdir',
    short: 'w',
    help: 'working directory in the container',
    group,
    default: 'what the image says, else /',
    example: '/app',
    commands: ['run', 'explain', 'exec'],
    apply: (draft, value) => {
      setOption(draft, 'cwd', value);
    },
  }),
  flag(orUnset(user, empty), {
    name: 'user',
    short: 'u',
    help: "run as this user; names come from the image's own passwd and group",
    group,
    default: 'what the image says, else root of the user namespace',
    example: '1000:1000',
    commands: ['run', 'explain', 'exec'],
    apply: (draft, value) => {
      setOption(draft, 'user', value);
    },
  }),
  flag(listOf(anyGroup), {
    name: 'group-add',
    help: 'add a supplementary group',
    group,
    example: 'audio',
    commands: runLike,
    apply: (draft, value) => {
      draft.options.groups = [...(draft.options.groups ?? []), parseId(value) ?? value];
    },
  }),
  flag(hostName, {
    name: 'hostname',
    short: 'h',
    help: 'host name in the container',
    group,
    default: 'the name of the container',
    example: 'web',
    commands: runLike,
    apply: (draft, value) => (draft.options.hostname = value),
  }),
  flag(hostName, {
    name: 'domainname',
    help: 'NIS domain name in the container',
    group,
    example: 'example.org',
    commands: runLike,
    apply: (draft, value) => (draft.options.domainname = value),
  }),
  flag(entrypoint, {
    name: 'entrypoint',
    help: "run this instead of the image's entrypoint, and without its command",
    group,
    example: '/bin/sh',
    commands: runLike,
    apply: (draft, value) => (draft.options.entrypoint = value),
  }),
  flag(toggle, {
    name: 'init',
    help: 'put a reaper at pid 1 that forwards signals to the program',
    group,
    commands: runLike,
    apply: (draft, value) => (draft.options.init = value),
  }),
  flag(integer(oomRange), {
    name: 'oom-score-adj',
    help: "how soon the kernel kills the program when the host's memory ends: -1000 never, 1000 first",
    group,
    default: "the caller's",
    example: '500',
    commands: runLike,
    apply: (draft, value) => (draft.options.oomScoreAdj = value),
  }),
];
