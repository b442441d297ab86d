/** What a bundle's config.json asks for and does not get: told in a warning, and refused for who is strict. */
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import type { Spec } from '../../spec/types.js';

interface Ignored {
  readonly field: string;
  readonly message: string;
  readonly hint: string;
}

/** As sentences. @throws ERR_TSRUN_UNSUPPORTED when `strict` */
export function ignoredFields(spec: Spec | undefined, strict: boolean): string[] {
  const ignored = [...cgroupsPath(spec?.linux), ...ambient(spec?.process)];
  const [first] = ignored;
  if (strict && first !== undefined) throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `${first.field}: ${first.message}`, { field: first.field, hint: first.hint });
  return ignored.map(({ field, message }) => `${field}: ${message}`);
}

function cgroupsPath({ cgroupsPath: path = '' }: NonNullable<Spec['linux']> = {}): Ignored[] {
  if (path === '') return [];
  return [{ field: '/linux/cgroupsPath', message: `${show(path)} is not used, as tsrun makes the cgroup in its own`, hint: 'remove the field' }];
}

function ambient({ capabilities: { ambient: asked = [], inheritable = [] } = {} }: Partial<NonNullable<Spec['process']>> = {}): Ignored[] {
  const lost = asked.filter((name) => !inheritable.includes(name));
  if (lost.length === 0) return [];
  return [{ field: '/process/capabilities/ambient', message: `${lost.join(', ')} cannot be raised without being inheritable as well`, hint: 'add them to inheritable, or remove them' }];
}
