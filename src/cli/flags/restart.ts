/** Flags about how dynos are replaced, and by what. */
import { text, toggle } from '../values/basic.js';
import { flag, type Flag } from './flag.js';

const group = 'Formation';
const image = text('IMAGE', 'image');

export const restartFlags: readonly Flag[] = [
  flag(toggle, {
    name: 'preboot',
    help: 'have each new dyno up before the old one is asked to end; where it does not come up the old one stays',
    group,
    default: 'as the app was started',
    commands: ['restart'],
    apply: (draft, value) => (draft.flags.preboot = value),
  }),
  flag(toggle, {
    name: 'rolling',
    help: 'one dyno after the other, each when the one before it is up; ends with the first that does not come up',
    group,
    default: 'all at once',
    commands: ['restart'],
    apply: (draft, value) => (draft.flags.rolling = value),
  }),
  flag(image, {
    name: 'image',
    help: 'run the dynos from this image from now on, after its release phase: one after the other, and all back where one does not come up',
    group,
    default: 'the same as before',
    example: './app',
    commands: ['restart'],
    apply: (draft, value) => (draft.flags.newImage = value),
  }),
  flag(image, {
    name: 'stack',
    help: 'have the slug run on this image from now on: one dyno after the other, and all back where one does not come up',
    group,
    default: 'the same as before',
    example: './stack',
    commands: ['restart'],
    apply: (draft, value) => (draft.options.stack = value),
  }),
];
