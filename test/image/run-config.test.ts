import test from 'ava';
import type { ImageConfig, RunConfig } from '../../src/image/documents.js';
import { checkRunConfig, imageAnnotations, imageProgram, imageUser, imageVolumes, imageWorkingDirectory } from '../../src/image/run-config.js';
import { TsrunError } from '../../src/spec/errors.js';

const imageOf = (config?: RunConfig, parts: Partial<ImageConfig> = {}): ImageConfig => ({
  os: 'linux', architecture: 'amd64', ...parts, rootfs: { type: 'layers', diff_ids: [] }, ...(config !== undefined && { config }),
});

const both = { Entrypoint: ['/entry', '-x'], Cmd: ['serve', '--all'] };
const programs: readonly [string, RunConfig | undefined, Parameters<typeof imageProgram>[1], readonly string[]][] = [
  ['entrypoint and command are joined', both, {}, ['/entry', '-x', 'serve', '--all']],
  ['a command replaces the command and keeps the entrypoint', both, { command: ['sh'] }, ['/entry', '-x', 'sh']],
  ['no command at all leaves the entrypoint alone', both, { command: [] }, ['/entry', '-x']],
  ['an entrypoint takes the command away', both, { entrypoint: ['/bin/sh'] }, ['/bin/sh']],
  ['both replace both', both, { entrypoint: ['/bin/sh'], command: ['-c', 'id'] }, ['/bin/sh', '-c', 'id']],
  ['an empty entrypoint takes both away', both, { entrypoint: [], command: ['id'] }, ['id']],
  ['the shell form is a command like another', { Entrypoint: ['/bin/sh', '-c', 'exec top -b'], Cmd: ['ignored by sh'] }, {}, ['/bin/sh', '-c', 'exec top -b', 'ignored by sh']],
  ['a command alone', { Cmd: ['sh'] }, {}, ['sh']],
  ['none', undefined, {}, []],
];
for (const [title, config, choice, expected] of programs) {
  test(`program: ${title}`, (t) => {
    t.deepEqual(imageProgram(imageOf(config), choice), expected);
  });
}

test('the working directory is cleaned by its words, as docker does, the root where there is none, and from the root where it is relative', (t) => {
  const folders = ['/srv/app', '', 'app', '../app/.', '/srv//x/./', '/', '/.', '/srv/.x/..', '/srv/.x', '/dead/x/../..', '/../srv/../../w'].map((WorkingDir) => imageWorkingDirectory(imageOf({ WorkingDir })));
  t.deepEqual(folders, ['/srv/app', '/', '/app', '/app', '/srv/x', '/', '/', '/srv', '/srv/.x', '/', '/w']);
  t.is(imageWorkingDirectory(imageOf()), '/');
});

test('the user is as it stands there, and root where there is none', (t) => {
  t.deepEqual([imageOf({ User: 'web:audio' }), imageOf({ User: '' }), imageOf()].map(imageUser), ['web:audio', '0', '0']);
});

test('a part of the user that is empty is as if it were not there', (t) => {
  const users = ['root:', ':extra', ':', 'web:audio', ':5', 'a:b:', 'a::b'].map((User) => imageUser(imageOf({ User })));
  t.deepEqual(users, ['root', '0:extra', '0', 'web:audio', '0:5', 'a:b:', 'a::b']);
});

test('volumes are normal paths, each once, without the root', (t) => {
  t.deepEqual(imageVolumes(imageOf({ Volumes: { '/var/lib/db/': {}, '/': {}, '/var/lib/db': {}, '/a/../data': {} } })), ['/data', '/var/lib/db']);
  t.deepEqual(imageVolumes(imageOf({ Volumes: { data: {}, './cache/': {}, '/data': {} } })), ['/cache', '/data'], 'every engine takes them from the root on');
  t.notThrows(() => { checkRunConfig(imageOf({ Volumes: { data: {}, './a:b': {} } }), 'x'); });
});

test('what describes the image becomes annotations', (t) => {
  const image = imageOf(
    { StopSignal: 'SIGQUIT', ExposedPorts: { '80/tcp': {}, '53/udp': {} }, Labels: { team: 'web' } },
    { variant: 'v8', 'os.version': '1', 'os.features': ['a', 'b'], author: 'Ada', created: '2024-01-31T12:00:00Z' },
  );
  t.deepEqual(imageAnnotations(image), {
    'org.opencontainers.image.os': 'linux',
    'org.opencontainers.image.architecture': 'amd64',
    'org.opencontainers.image.variant': 'v8',
    'org.opencontainers.image.os.version': '1',
    'org.opencontainers.image.os.features': 'a,b',
    'org.opencontainers.image.author': 'Ada',
    'org.opencontainers.image.created': '2024-01-31T12:00:00Z',
    'org.opencontainers.image.stopSignal': 'SIGQUIT',
    'org.opencontainers.image.exposedPorts': '80/tcp,53/udp',
    team: 'web',
  });
});

test('a label wins over what is derived, and nothing is derived from what is empty', (t) => {
  const image = imageOf({ StopSignal: '', Labels: { 'org.opencontainers.image.author': 'Grace' } }, { author: 'Ada', created: '' });
  t.deepEqual(imageAnnotations(image), {
    'org.opencontainers.image.os': 'linux', 'org.opencontainers.image.architecture': 'amd64', 'org.opencontainers.image.author': 'Grace',
  });
});

const refused: readonly [RunConfig, RegExp][] = [
  [{ Env: ['A=\0'] }, /Env: .*NUL/],
  [{ Env: ['=x'] }, /Env: "=x" is not NAME=VALUE/],
  [{ Env: [''] }, /Env: "" is not NAME=VALUE/],
  [{ Cmd: ['a\0b'] }, /Cmd: .*NUL/],
  [{ Entrypoint: ['\ud800'] }, /Entrypoint: .*half of a character/],
  [{ WorkingDir: '/a\0' }, /WorkingDir: /],
  [{ User: 'a\0' }, /User: /],
  [{ Volumes: { '': {} } }, /Volumes: "" is not an absolute path/],
  [{ Volumes: { 'c:\\data': {} } }, /Volumes: .*not an absolute path/],
  [{ Labels: { '': 'x' } }, /Labels: a label has no name/],
  [{ Labels: { x: '\0' } }, /Labels: /],
  [{ ExposedPorts: { '80\0': {} } }, /ExposedPorts: /],
  [{ StopSignal: 'SIGSTOPP' }, /StopSignal: "SIGSTOPP" is not a signal/],
];
for (const [config, message] of refused) {
  test(`a config is refused with ${JSON.stringify(config)}`, (t) => {
    const error = t.throws(() => { checkRunConfig(imageOf(config), 'evil\x1b[31m'); }, { instanceOf: TsrunError, message });
    t.is(error.code, 'ERR_TSRUN_IMAGE');
    t.false(/[\0\x1b]/.test(error.message));
  });
}

test('a config is taken with all that is usual, and with a name without a value', (t) => {
  t.notThrows(() => {
    checkRunConfig(imageOf({ ...both, Env: ['A=1', 'B=', 'C', 'D=a=b'], WorkingDir: 'x', User: 'a:b', Volumes: { '/a': {} }, Labels: { a: '' }, StopSignal: '9' }), 'app');
  });
});
