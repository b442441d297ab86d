/** Flags about images: where they come from, where they lie, and what is shown of them. */
import type { FetchLimits } from '../../index.js';
import { decimal, integer, oneOf, size, text, toggle } from '../values/basic.js';
import { ValueError, type ValueType } from '../values/value-type.js';
import { flag, runLike, starting, type CommandName, type Flag, type FlagDefinition } from './flag.js';

const group = 'Images';
const output = 'Output';

/** Commands that use the image store. */
const storing = [
  ...starting, 'images', 'pull', 'load', 'save', 'inspect', 'tag', 'rmi', 'prune', 'history', 'layers', 'mount', 'unmount', 'agent',
] as const satisfies readonly CommandName[];
const fetching = [...starting, 'pull'] as const satisfies readonly CommandName[];
const listing = ['images', 'history'] as const satisfies readonly CommandName[];

const platform: ValueType<string> = {
  ...text('OS/ARCH[/VARIANT]'),
  completion: ['linux/amd64', 'linux/arm64'],
};
const image = text('IMAGE', 'image');
const fraction = decimal({ min: 0, max: 1 });
const positiveSize: ValueType<number> = {
  ...size,
  parse: (value, context) => {
    const bytes = size.parse(value, context);
    if (bytes === 0) throw new ValueError('expected at least one byte');
    return bytes;
  },
};

/** What one layer may become, for all commands that unpack. */
function layerLimit<T extends number>(type: ValueType<T>, limit: keyof FetchLimits, about: Pick<FlagDefinition<T>, 'help' | 'default' | 'example'>): Flag {
  return flag(type, {
    ...about,
    name: `max-layer-${limit}`,
    group,
    commands: [...fetching, 'load'],
    apply: (draft, value) => (draft.options.imageLimits = { ...draft.options.imageLimits, [limit]: value }),
  });
}

export const imageFlags: readonly Flag[] = [
  flag(oneOf('WHEN', ['missing', 'always', 'never']), {
    name: 'pull',
    help: 'when to ask a registry for the image: where it is not here, each time, or never',
    group,
    default: 'missing',
    example: 'always',
    commands: starting,
    apply: (draft, value) => (draft.options.pull = value),
  }),
  flag(platform, {
    name: 'platform',
    help: 'of an image for several, the one for this platform',
    elsewhere: { arch: 'platform', 'override-arch': 'platform', 'override-os': 'platform' },
    group,
    default: "this machine's",
    example: 'linux/arm64',
    commands: [...fetching, 'load', 'inspect', 'history', 'layers'],
    apply: (draft, value) => (draft.options.platform = value),
  }),
  flag(image, {
    name: 'stack',
    help: 'the image that a slug runs on',
    group,
    example: './stack',
    commands: starting,
    apply: (draft, value) => (draft.options.stack = value),
  }),
  flag(text('SHA256:HEX'), {
    name: 'checksum',
    help: 'take the image only if its file has this checksum, as the platform API gives it of a slug',
    group,
    example: 'SHA256:ed5718e8aa9bfe2eca7bd9ba8d8a14d4fb2f1ac3e5f0d9b7a3c4be5d1f60728a',
    commands: [...starting, 'load'],
    apply: (draft, value) => (draft.options.checksum = value),
  }),
  flag(text('TYPE'), {
    name: 'process',
    help: 'start this process type of a slug or a buildpack image; what follows the image are its arguments',
    group,
    example: 'worker',
    commands: runLike,
    apply: (draft, value) => (draft.options.process = value),
  }),
  flag(toggle, {
    name: 'tls-verify',
    help: "ask for a registry's certificate; false also allows plain HTTP",
    elsewhere: { 'src-tls-verify': 'tls-verify', insecure: 'tls-verify=false', 'insecure-registry': 'tls-verify=false', 'plain-http': 'tls-verify=false' },
    group,
    default: 'true',
    commands: fetching,
    apply: (draft, value) => (draft.options.tlsVerify = value),
  }),
  flag(text('FILE', 'file'), {
    name: 'authfile',
    help: "file with the passwords of registries, as docker's and podman's login write it",
    elsewhere: { 'src-authfile': 'authfile', creds: 'authfile', 'src-creds': 'authfile' },
    group,
    default: "$REGISTRY_AUTH_FILE, podman's, docker's",
    example: './auth.json',
    commands: fetching,
    apply: (draft, value) => (draft.options.authFile = value),
  }),
  layerLimit(positiveSize, 'bytes', { help: 'refuse a layer whose files are larger together', default: '64g', example: '1g' }),
  layerLimit(integer({ min: 1 }), 'entries', { help: 'refuse a layer with more files, folders and links', default: '4000000', example: '100000' }),
  layerLimit(integer({ min: 1 }), 'ratio', { help: 'refuse a layer that is unpacked to more than so many times its size, counted from 10 MB on', default: '400', example: '50' }),
  flag(text('DIR', 'folder'), {
    name: 'root-dir',
    help: 'where images lie; may stand before the command as well',
    group,
    default: '$TSRUN_IMAGES, /var/lib/tsrun for root, $XDG_DATA_HOME/tsrun for others',
    example: '/srv/images',
    commands: storing,
    apply: (draft, value) => (draft.flags.imageRoot = value),
  }),
  flag(text('FILE', 'file'), {
    name: 'input',
    short: 'i',
    help: 'read the image from this file or folder, as if it were named',
    group,
    default: 'standard input',
    example: './app.tar',
    commands: ['load'],
    apply: (draft, value) => (draft.flags.input = value),
  }),
  flag(text('NAME'), {
    name: 'name',
    help: 'name to give the image',
    group,
    default: 'the one that it brings',
    example: 'team/app:v2',
    commands: ['load', 'pull'],
    apply: (draft, value) => (draft.flags.imageName = value),
  }),
  flag(text('PATH', 'file'), {
    name: 'output',
    short: 'o',
    help: 'write to this file; for oci a folder, or a file whose name ends in .tar',
    group,
    default: 'standard output',
    example: './app.tar',
    commands: ['save'],
    apply: (draft, value) => (draft.flags.output = value),
  }),
  flag(oneOf('FORMAT', ['docker-archive', 'oci']), {
    name: 'format',
    help: 'what to write: what docker load reads, or an OCI image layout',
    group,
    default: 'docker-archive',
    example: 'oci',
    commands: ['save'],
    apply: (draft, value) => (draft.flags.format = value),
  }),
  flag(oneOf('TYPE', ['container', 'image']), {
    name: 'type',
    help: 'what the name is of',
    group,
    default: 'a container, else an image',
    example: 'image',
    commands: ['inspect', 'mount'],
    apply: (draft, value) => (draft.flags.type = value),
  }),
  flag(toggle, {
    name: 'force',
    short: 'f',
    help: 'take away all names of an image',
    group,
    commands: ['rmi'],
    apply: (draft, value) => (draft.flags.force = value),
  }),
  flag(toggle, {
    name: 'no-follow',
    help: 'let no link in it lead anywhere (nosymfollow)',
    group,
    commands: ['mount'],
    apply: (draft, value) => (draft.flags.noFollow = value),
  }),
  flag(toggle, {
    name: 'force',
    short: 'f',
    help: 'also while somebody uses it: it goes when nobody does any more',
    group,
    commands: ['unmount'],
    apply: (draft, value) => (draft.flags.force = value),
  }),
  flag(toggle, {
    name: 'all',
    short: 'a',
    help: 'everything that is mounted',
    group,
    commands: ['unmount'],
    apply: (draft, value) => (draft.flags.all = value),
  }),
  flag(toggle, {
    name: 'all',
    short: 'a',
    help: 'every image that no container uses, whether it has a name or not',
    group,
    commands: ['prune'],
    apply: (draft, value) => (draft.flags.all = value),
  }),
  flag(toggle, {
    name: 'ci',
    help: 'judge the image by the thresholds, and end with 1 if it does not pass',
    group,
    commands: ['layers'],
    apply: (draft, value) => (draft.flags.ci = value),
  }),
  flag(fraction, {
    name: 'lowest-efficiency',
    placeholder: 'RATIO',
    help: 'with --ci: the least efficiency that passes',
    group,
    default: '0.9',
    example: '0.95',
    commands: ['layers'],
    apply: (draft, value) => (draft.flags.lowestEfficiency = value),
  }),
  flag(size, {
    name: 'highest-wasted-bytes',
    help: 'with --ci: the most bytes that may be wasted',
    group,
    default: 'any number',
    example: '20m',
    commands: ['layers'],
    apply: (draft, value) => (draft.flags.highestWastedBytes = value),
  }),
  flag(fraction, {
    name: 'highest-user-wasted-percent',
    placeholder: 'RATIO',
    help: 'with --ci: the most that may be wasted, against the bytes above the lowest layer',
    group,
    default: '0.1',
    example: '0.2',
    commands: ['layers'],
    apply: (draft, value) => (draft.flags.highestUserWastedRatio = value),
  }),
  flag(integer({ min: 0 }), {
    name: 'top',
    help: 'show as many of the paths that waste the most',
    group: output,
    default: '10',
    example: '3',
    commands: ['layers'],
    apply: (draft, value) => (draft.flags.top = value),
  }),
  flag(toggle, {
    name: 'names',
    help: 'print whole names only',
    group: output,
    commands: ['images'],
    apply: (draft, value) => (draft.flags.names = value),
  }),
  flag(toggle, {
    name: 'digests',
    help: 'show digests as well',
    group: output,
    commands: ['images'],
    apply: (draft, value) => (draft.flags.digests = value),
  }),
  flag(toggle, {
    name: 'no-trunc',
    help: 'shorten nothing',
    group: output,
    commands: listing,
    apply: (draft, value) => (draft.flags.noTrunc = value),
  }),
  flag(toggle, {
    name: 'quiet',
    short: 'q',
    help: 'print ids only',
    group: output,
    commands: listing,
    apply: (draft, value) => (draft.flags.quiet = value),
  }),
  flag(toggle, {
    name: 'quiet',
    short: 'q',
    help: 'say nothing of how far it is',
    group: output,
    commands: [...fetching, 'load', 'save'],
    apply: (draft, value) => (draft.flags.quiet = value),
  }),
];
