/** Flags about how dynos of an app begin and end. */
import { oneOf, seconds, signal, someTime } from '../values/basic.js';
import { byType } from '../values/by-type.js';
import { flag, type Flag } from './flag.js';

const group = 'Formation';

export const dynoEndFlags: readonly Flag[] = [
  flag(byType(oneOf('DELIVERY', ['all', 'main', 'mixed'])), {
    name: 'delivery',
    help: 'who of a dyno hears the signal to end: all processes, its program alone, or first that and then the others',
    group,
    default: 'all',
    example: 'web=main,worker=mixed',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.delivery = value),
  }),
  flag(byType(signal), {
    name: 'stop-signal',
    help: 'the signal that asks dynos to end, in the place of SIGTERM',
    group,
    default: 'SIGTERM',
    example: 'web=SIGQUIT',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.stopSignals = value),
  }),
  flag(byType(seconds), {
    name: 'stop-timeout',
    help: 'how long dynos have from that signal to SIGKILL; -1: for ever',
    group,
    default: '30',
    example: 'worker=120,30',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.graceMs = value),
  }),
  flag(someTime, {
    name: 'boot-timeout',
    help: 'how soon web must listen on its PORT',
    group,
    default: '60',
    example: '120',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.bootTimeoutMs = value),
  }),
];
