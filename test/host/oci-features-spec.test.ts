// tsrun-oci features and spec: nothing is told of that create refuses, and the example runs.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { spawnSync } from 'node:child_process';
import AjvDraft04 from 'ajv-draft-04';
import { fixture } from '../support/lab.js';
import { missing } from '../support/needs.js';
import { ociLab, ociTest } from '../support/oci-lab.js';

const here = ociTest;
const lab = ociLab();

interface Features {
  readonly hooks: readonly string[];
  readonly mountOptions: readonly string[];
  readonly potentiallyUnsafeConfigAnnotations: readonly string[];
  readonly linux: Readonly<Record<string, Readonly<Record<string, unknown>>>> & { readonly capabilities: readonly string[]; readonly namespaces: readonly string[]; readonly seccomp: { readonly actions: readonly string[]; readonly archs: readonly string[]; readonly knownFlags: readonly string[]; readonly supportedFlags: readonly string[] } };
}

function features(): Features {
  const answer = lab.call('features');
  if (answer.code !== 0) throw new Error(answer.stderr);
  return JSON.parse(answer.stdout) as Features;
}

here('the document has what features.md of the runtime-spec names', (t) => {
  const told = features();
  t.like(told, { ociVersionMin: '1.0.0', ociVersionMax: '1.3.0' });
  t.deepEqual(told.linux.namespaces, ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts']);
  t.is(told.linux.capabilities.length, 41);
  t.like(told.linux, { cgroup: { v1: false, v2: true, systemd: true, systemdUser: true, rdma: true }, apparmor: { enabled: true }, mountExtensions: { idmap: { enabled: true } } });
  const { seccomp } = told.linux;
  t.true(['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'].every((name) => seccomp.archs.includes(name)));
  t.deepEqual(seccomp.knownFlags, ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV']);
  t.true(seccomp.supportedFlags.includes('SECCOMP_FILTER_FLAG_LOG'));
  t.true(seccomp.actions.includes('SCMP_ACT_NOTIFY'), 'with somebody who listens');
  t.deepEqual(told.potentiallyUnsafeConfigAnnotations, ['org.systemd.property.', 'run.oci.']);
  for (const word of ['ro', 'rro', 'nosuid', 'rbind', 'rprivate', 'idmap', 'sync', 'defaults']) t.true(told.mountOptions.includes(word), word);
  t.is(lab.call('features', 'x').code, 1);
});

here('what it prints is what the JSON schemas of the runtime-spec say', (t) => {
  const ajv = new AjvDraft04.default({ strict: false, logger: false });
  const folder = resolve(import.meta.dirname, '../../../schemas/runtime-spec-1.2.1');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) ajv.addSchema(JSON.parse(readFileSync(join(folder, name), 'utf8')) as object, name);
  const [id, example] = [lab.newId(), join(lab.folder, 'by-schema')];
  mkdirSync(example);
  t.is(lab.call('spec', '--bundle', example).code, 0);
  t.is(lab.call('create', '--bundle', lab.bundle({}), id).code, 0);
  const documents = { 'features-schema.json': lab.call('features').stdout, 'state-schema.json': lab.call('state', id).stdout, 'config-schema.json': readFileSync(join(example, 'config.json'), 'utf8') };
  lab.call('delete', '--force', id);
  for (const [schema, text] of Object.entries(documents)) {
    t.true(ajv.validate(schema, JSON.parse(text)), `${schema}: ${ajv.errorsText()}`);
    t.false(ajv.validate(schema, {}), schema);
  }
});

here('what it says of mounts, hooks and fields, create does; what it does not, create refuses', (t) => {
  const told = features();
  const creates = (part: { readonly linux?: object; readonly more?: object; readonly process?: object; readonly mount?: object }) => {
    const id = lab.newId();
    const bundle = lab.bundle({ linux: { ...part.linux }, process: { ...part.process }, more: { ...part.more } });
    if (part.mount !== undefined) {
      const path = join(bundle, 'config.json');
      const config = JSON.parse(readFileSync(path, 'utf8')) as { mounts: object[] };
      config.mounts.push(part.mount);
      writeFileSync(path, JSON.stringify(config));
    }
    const { code } = lab.call('create', '--bundle', bundle, id);
    lab.call('delete', '--force', id);
    return code === 0;
  };
  for (const word of ['ro', 'rnoatime', 'lazytime', 'nosymfollow']) t.is(creates({ mount: { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: [word] } }), told.mountOptions.includes(word), word);
  for (const word of ['acl', 'nosuch', 'tmpcopyup']) t.is(creates({ mount: { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: [word] } }), told.mountOptions.includes(word), word);
  for (const name of ['prestart', 'poststop']) t.is(creates({ more: { hooks: { [name]: [{ path: '/bin/true' }] } } }), told.hooks.includes(name), name);
  t.is(creates({ linux: { netDevices: { nosuch0: {} } } }), false);
  t.is(creates({ process: { selinuxLabel: 'a:b:c:s0' } }), told.linux['selinux']?.['enabled'] === true);
  for (const action of ['SCMP_ACT_LOG', 'SCMP_ACT_TRAP']) t.is(creates({ linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['getppid'], action }] } } }), told.linux.seccomp.actions.includes(action), action);
});

here('spec writes an example that runs, and no second one over it', (t) => {
  const bundle = join(lab.folder, 'example');
  mkdirSync(bundle);
  symlinkSync(fixture('busybox'), join(bundle, 'rootfs'));
  t.is(lab.call('spec', '--bundle', bundle).stderr, '');
  t.is(lab.call('spec', '-b', bundle).stderr, 'File config.json exists. Remove it first\n');
  t.regex(lab.call('spec', '-b', '/no/such').stderr, /^open \/no\/such\/config\.json: no such file or directory\n$/);
  const path = join(bundle, 'config.json');
  const text = readFileSync(path, 'utf8');
  t.regex(text, /^\{\n\t"ociVersion": "1\.3\.0",\n/);
  writeFileSync(path, text.replace('"terminal": true', '"terminal": false').replace('"sh"', '"hostname"'));
  const answer = lab.call('run', '--bundle', bundle, lab.newId());
  t.deepEqual([answer.code, answer.stdout, answer.stderr], [0, 'tsrun\n', '']);
  t.is(lab.callWith({ cwd: lab.folder }, 'spec').code, 0);
  t.true(existsSync(join(lab.folder, 'config.json')));
});

here('the example is runc\'s, but for what is named here', (t) => {
  if (missing('command:runc').length > 0) {
    t.pass('there is no runc here');
    return;
  }
  for (const words of [[], ['--rootless']]) {
    const [ours, theirs] = ['ours', 'theirs'].map((name) => join(lab.folder, `${name}${words.join('')}`));
    if (ours === undefined || theirs === undefined) throw new Error('no folders');
    for (const folder of [ours, theirs]) mkdirSync(folder);
    t.is(lab.call('spec', ...words, '--bundle', ours).code, 0);
    t.is(spawnSync('runc', ['spec', ...words, '--bundle', theirs]).status, 0);
    const [own, other] = [ours, theirs].map((folder) => JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as { readonly process: { readonly capabilities: object }; readonly linux: { readonly namespaces: readonly { readonly type: string }[] } });
    // runc 1.1 still has an ambient set, no cgroup namespace on a hybrid host, and shorter lists of paths.
    const without = (config: typeof own) => ({
      ...config,
      ociVersion: '',
      hostname: '',
      process: { ...config?.process, capabilities: { ...config?.process.capabilities, ambient: undefined } },
      linux: { ...config?.linux, maskedPaths: undefined, readonlyPaths: undefined, namespaces: config?.linux.namespaces.map(({ type }) => type).filter((type) => type !== 'cgroup').sort() },
    });
    t.deepEqual(JSON.parse(JSON.stringify(without(own))), JSON.parse(JSON.stringify(without(other))));
  }
});
