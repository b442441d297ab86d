/** What the tests of conformance share: a test is named by the section of the runtime-spec 1.3 and says in its words what MUST be. */
import type { ExecutionContext } from 'ava';
import { ociTest, type Answer, type Config, type OciLab } from './oci-lab.js';

export const allNamespaces = ['pid', 'ipc', 'uts', 'mount', 'network', 'cgroup'].map((type) => ({ type }));

export const baseMounts = [{ destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/dev', type: 'tmpfs', source: 'tmpfs' }];

/** Tests of one document. */
export function mustOf(document: string): (section: string, says: string, check: (t: ExecutionContext) => void | Promise<void>) => void {
  return (section, says, check) => {
    ociTest(`${document}, ${section}: ${says}`, check);
  };
}

/** What a program prints in a container of its own. */
export function outputOf(t: ExecutionContext, lab: OciLab, script: string, config: Config = {}): string {
  const answer = runScript(lab, script, config);
  t.is(answer.code, 0, answer.stderr);
  return answer.stdout;
}

export function runScript(lab: OciLab, script: string, config: Config = {}): Answer {
  return lab.call('run', '--bundle', lab.bundle({ args: ['sh', '-c', script], ...config }), lab.newId());
}

/** Why a container is not created; nothing of it is left. */
export function refusalOf(t: ExecutionContext, lab: OciLab, config: Config): string {
  const id = lab.newId();
  const { code, stderr } = lab.call('create', '--bundle', lab.bundle(config), id);
  if (code === 0) lab.call('delete', '--force', id);
  t.not(code, 0, JSON.stringify(config));
  t.deepEqual(lab.traces(id), []);
  return stderr;
}

/** A container that waits to be started, while `check` looks at it. */
export function whileCreated(t: ExecutionContext, lab: OciLab, config: Config, check: (id: string, pid: string) => void): void {
  const id = lab.newId();
  const { code, stderr } = lab.call('create', '--bundle', lab.bundle(config), id);
  t.is(code, 0, stderr);
  check(id, String(lab.state(id)['pid']));
  t.is(lab.call('delete', '--force', id).code, 0);
}
