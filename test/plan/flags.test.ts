/**
 * Every flag of `run` does something: the one table of flags is walked with its examples, from words to a plan. A flag
 * that changes nothing that happens is either not connected, or stands in a list here with the reason.
 */
import test from 'ava';
import { optionsToExplain } from '../../src/cli/explain.js';
import { flagsOf } from '../../src/cli/flags.js';
import type { Flag } from '../../src/cli/flags/flag.js';
import type { ResolvedImage } from '../../src/image/resolved-image.js';
import { parse } from '../cli/support.js';
import { compile, planText, type Setting } from './support.js';

/** Where the first difference to a run without the flag is found. */
type Effect = 'plan' | 'extensions' | 'record' | 'none';

const otherEffects: Readonly<Record<string, readonly [effect: Effect, why: string]>> = {
  strict: ['extensions', 'this host holds every default: only where one is missing the start fails'],
  label: ['record', 'for people to find the container by'],
  annotation: ['record', 'for tools that read the spec'],
  'stop-signal': ['record', 'what stop sends, later'],
  timeout: ['record', 'the calling process keeps the time'],
  'stop-timeout': ['record', 'how long stop waits, later'],
  cidfile: ['none', 'a file of the command line, written beside the start'],
  egress: ['extensions', 'who attaches the network holds it to them'],
  'bridge-range': ['extensions', 'who attaches the network takes addresses out of it'],
  timings: ['none', 'a clock beside the plan, for which the runtime adds one step'],
  json: ['none', 'how the command line prints'],
  pull: ['none', 'where an image comes from'],
  platform: ['none', 'which image is taken'],
  stack: ['none', 'which image is taken'],
  checksum: ['none', 'which image is taken'],
  'image-volume': ['none', 'whether the image is asked for volumes, before there is a plan'],
  'tls-verify': ['none', 'how an image is fetched'],
  authfile: ['none', 'how an image is fetched'],
  'max-layer-bytes': ['none', 'what is refused of an image'],
  'max-layer-entries': ['none', 'what is refused of an image'],
  'max-layer-ratio': ['none', 'what is refused of an image'],
  'root-dir': ['none', 'where images lie'],
  quiet: ['none', 'what the command line prints'],
  app: ['plan', 'all that follows is the program'],
  size: ['none', 'of one-off dynos: the agent of the app makes the plan'],
};

/** Examples that are the default already. */
const otherExamples: Readonly<Record<string, string>> = {
  'memory-swap': '2g',
  sysctl: 'net.ipv4.ip_forward=1',
  ulimit: 'nofile=2048:8192',
};

/** What a flag cannot be without. */
const companions: Readonly<Record<string, readonly string[]>> = {
  'memory-swap': ['--memory', '512m'],
  egress: ['--network', 'user'],
  'bridge-range': ['--network', 'bridge'],
};

/** What a flag is about, where that is no image of one's own. */
const otherImages: Readonly<Record<string, ResolvedImage>> = {
  mountns: { kind: 'rootfs', rootPath: '/', name: '/' },
  process: {
    kind: 'image',
    rootPath: '/image',
    name: 'built',
    config: {
      os: 'linux',
      architecture: 'amd64',
      config: { Entrypoint: ['/cnb/process/web'], Labels: { 'io.buildpacks.build.metadata': '{"processes":[{"type":"web"},{"type":"worker"}]}' } },
      rootfs: { type: 'layers', diff_ids: [] },
    },
  },
};

const fuse = { source: '/dev/fuse', device: { type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o666 }, access: 'rw' } as const;

function wordsFor(flag: Flag): string[] {
  return flag.kind === 'boolean' ? [`--${flag.name}`] : [`--${flag.name}`, otherExamples[flag.name] ?? flag.example];
}

function compileWords(words: readonly string[], image?: ResolvedImage): { plan: string; extensions: string; record: string } {
  const { first } = parse('run', ...words, './image', '/bin/app');
  const setting: Setting = { options: optionsToExplain(first), devices: (first.options.devices ?? []).map(() => fuse), ...(image !== undefined && { image }) };
  const { plan, extensions, spec, stopSignal, stopTimeoutMs } = compile(setting);
  return { plan: planText(plan), extensions: JSON.stringify(extensions), record: JSON.stringify([spec, stopSignal, stopTimeoutMs, first.options.labels, first.options.timeoutMs], withBigints) };
}

function withBigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function effectOf(flag: Flag): Effect {
  const others = companions[flag.name] ?? [];
  const image = otherImages[flag.name];
  const [before, after] = [compileWords(others, image), compileWords([...others, ...wordsFor(flag)], image)];
  return (['plan', 'extensions', 'record'] as const).find((part) => before[part] !== after[part]) ?? 'none';
}

for (const flag of flagsOf('run')) {
  const [expected, why] = otherEffects[flag.name] ?? ['plan', ''];
  test(`--${flag.name} changes ${expected === 'none' ? 'nothing of the container' : `the ${expected}`}${why === '' ? '' : `: ${why}`}`, (t) => {
    t.is(effectOf(flag), expected);
  });
}

test('every security option changes the plan', (t) => {
  const base = compileWords([]);
  for (const option of ['no-new-privileges=false', 'seccomp=unconfined', 'seccomp=./seccomp.json', 'landlock=off', 'systempaths=unconfined']) {
    const changed = compileWords(['--security-opt', option]);
    t.not(changed.record + changed.plan, base.record + base.plan, option);
    if (option !== 'seccomp=./seccomp.json') t.not(changed.plan, base.plan, option);
  }
});

test('the lists name only flags that are there', (t) => {
  const names = new Set(flagsOf('run').map(({ name }) => name));
  t.deepEqual([...Object.keys(otherEffects), ...Object.keys(otherExamples), ...Object.keys(companions)].filter((name) => !names.has(name)), []);
});
