// A plan under other names is the plan that compiling anew would give, byte for byte.
import test from 'ava';
import { renameSpec } from '../../src/container/build/build-spec.js';
import type { RunOptions } from '../../src/container/options/options.js';
import { encodePlan } from '../../src/plan/plan.js';
import { PlanTemplate } from '../../src/plan/template.js';
import { bundleOf, compile, planText, rootfs } from './support.js';

const bundle = bundleOf({ ociVersion: '1.0.2', process: { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/' }, root: { path: 'rootfs' }, hostname: 'own', linux: { namespaces: [{ type: 'mount' }, { type: 'uts' }] } });

const settings: Readonly<Record<string, RunOptions>> = {
  'nothing asked for': {},
  'a name of its own': { hostname: 'chosen', domainname: 'example.org' },
  'a domain only': { domainname: 'example.org' },
  'the host\'s name': { namespaces: { uts: 'host' } },
  'a root that is written to': { root: 'writable' },
  'a terminal, a log, a reaper': { terminal: { rows: 24, columns: 80 }, log: true, init: true },
  'entries of the caller': { addHosts: { db: '192.0.2.7' }, env: { HOSTNAME: 'not-the-host-s', HOME: '/x' }, dns: ['192.0.2.1'] },
  'a file of the caller in the place of ours': { mounts: [{ type: 'bind', source: '/host/hosts', destination: '/etc/hosts' }] },
  'limits, without a user namespace': { memory: '64m', pids: 5, namespaces: { user: 'host' }, survive: true },
};

for (const [title, options] of Object.entries(settings)) {
  for (const image of [rootfs, bundle]) {
    test(`${title} (${image.kind})`, (t) => {
      const [first, second] = ['run.1234', 'another-one.2'].map((id) => compile({ options: { ...options, id }, image }));
      if (first === undefined || second === undefined) throw new Error('two were compiled');
      const { spec, extensions } = renameSpec(first, second.built);
      t.deepEqual({ spec, extensions }, { spec: second.spec, extensions: second.extensions });
      const renamed = new PlanTemplate(first.plan).rename({ ...second.input, spec, extensions });
      t.is(planText(renamed.plan), planText(second.plan));
      t.deepEqual(Buffer.from(renamed.bytes), Buffer.from(encodePlan(second.plan)));
      t.notDeepEqual(Buffer.from(renamed.bytes), Buffer.from(encodePlan(first.plan)), 'names do show in a plan');
    });
  }
}
