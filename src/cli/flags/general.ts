/** Flags about the container as a whole: its name, its life, its streams. */
import { pairsOf, ValueError, type ValueType } from '../values/value-type.js';
import { containerName, type Pair, parseBoolean, parsePair, runningTime, seconds, signal, text, toggle } from '../values/basic.js';
import { flag, runLike, setOption, type Flag, type TimingsForm } from './flag.js';

const keyValue = pairsOf<Pair>({
  kind: 'pairs',
  placeholder: 'KEY[=VALUE]',
  parse: (value) => parsePair(value, { valueRequired: false }),
});

const group = 'General';

/** `--timings`, `--timings=svg`, and `--timings=false`, which takes it back. */
const timings: ValueType<TimingsForm | undefined> = {
  kind: 'boolean',
  placeholder: '',
  parse: (value) => {
    if (value === 'svg') return 'svg';
    try {
      return parseBoolean(value) ? 'chart' : undefined;
    } catch (cause) {
      throw cause instanceof ValueError ? new ValueError('expected svg, true or false') : cause;
    }
  },
};

export const generalFlags: readonly Flag[] = [
  flag({ ...containerName, completion: undefined }, {
    name: 'name',
    help: 'name of the container',
    group,
    default: 'run.NNNN',
    example: 'web.1',
    commands: runLike,
    apply: (draft, value) => (draft.options.id = value),
  }),
  flag(toggle, {
    name: 'detach',
    short: 'd',
    help: 'run in the background and print the name',
    group,
    commands: runLike,
    apply: (draft, value) => {
      draft.flags.detach = value;
      draft.options.survive = value;
    },
  }),
  flag(toggle, {
    name: 'detach',
    short: 'd',
    help: 'leave the program running in the background',
    group,
    commands: ['exec'],
    apply: (draft, value) => (draft.flags.detach = value),
  }),
  flag(toggle, {
    name: 'interactive',
    short: 'i',
    help: 'keep standard input open',
    group,
    commands: ['run', 'explain', 'exec'],
    apply: (draft, value) => (draft.flags.interactive = value),
  }),
  flag(toggle, {
    name: 'tty',
    short: 't',
    help: 'give the program a terminal; ctrl-p ctrl-q detaches from it',
    group,
    commands: ['run', 'explain', 'exec'],
    apply: (draft, value) => {
      draft.flags.tty = value;
      draft.options.terminal = value;
    },
  }),
  flag(toggle, {
    name: 'rm',
    help: 'forget the container when it ends',
    group,
    default: 'kept for ps -a and logs until rm',
    commands: runLike,
    apply: (draft, value) => (draft.options.autoRemove = value),
  }),
  flag(text('FILE', 'file'), {
    name: 'cidfile',
    help: 'write the name of the container to a new file',
    group,
    example: '/tmp/web.id',
    commands: runLike,
    apply: (draft, value) => (draft.flags.cidfile = value),
  }),
  flag(keyValue, {
    name: 'label',
    help: 'label the container, for you to find it by',
    group,
    example: 'team=web',
    commands: runLike,
    apply: (draft, { key, value }) => (draft.options.labels = { ...draft.options.labels, [key]: value }),
  }),
  flag(keyValue, {
    name: 'annotation',
    help: 'add an annotation to the runtime-spec',
    group,
    example: 'org.example.release=42',
    commands: runLike,
    apply: (draft, { key, value }) => (draft.options.annotations = { ...draft.options.annotations, [key]: value }),
  }),
  flag(signal, {
    name: 'stop-signal',
    help: 'signal that stop sends first',
    group,
    default: 'what the image says, else SIGTERM',
    example: 'SIGINT',
    commands: runLike,
    apply: (draft, value) => (draft.options.stopSignal = value),
  }),
  flag(seconds, {
    name: 'stop-timeout',
    help: 'time that stop leaves before SIGKILL; -1 waits for ever',
    group,
    default: '10',
    example: '30',
    commands: runLike,
    apply: (draft, value) => (draft.options.stopTimeoutMs = value),
  }),
  flag(runningTime, {
    name: 'timeout',
    help: 'stop the program when it has run for so long; 0 = never',
    group,
    default: '0',
    example: '60',
    commands: runLike,
    apply: (draft, value) => {
      setOption(draft, 'timeoutMs', value === 0 ? undefined : value);
    },
  }),
  flag(toggle, {
    name: 'strict',
    help: 'fail where a default limit or wall cannot be had here, instead of warning',
    group,
    commands: runLike,
    apply: (draft, value) => (draft.options.strict = value),
  }),
  flag(timings, {
    name: 'timings',
    help: 'show how long each step of the start took; =svg writes it as a picture',
    group,
    commands: ['run'],
    apply: (draft, value) => {
      if (value === undefined) {
        delete draft.flags.timings;
        delete draft.options.timings;
        return;
      }
      draft.flags.timings = value;
      draft.options.timings = true;
    },
  }),
];
