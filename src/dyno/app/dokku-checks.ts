/** Health checks in an `app.json`, as Dokku has them (docker-container-healthchecker, "File Format"); times there are seconds. */
import { TsrunError } from '../../spec/errors.js';
import { nonEmpty } from '../../spec/schema-common.js';
import { anyOf, array, boolean, integer, number, object, oneOf, optional, text } from '../../spec/shape.js';
import type { HealthCheck, HealthProbe } from '../health/health-options.js';

interface Header {
  readonly name: string;
  readonly value: string;
}

/** What else stands there is passed over, as Dokku does. */
export interface DokkuCheck {
  readonly type?: '' | 'startup' | 'readiness' | 'liveness';
  readonly name?: string;
  readonly command?: string | readonly string[];
  readonly path?: string;
  readonly content?: string;
  readonly httpHeaders?: readonly Header[];
  readonly scheme?: 'http' | 'HTTP' | '';
  readonly listening?: boolean;
  readonly port?: number;
  readonly uptime?: number;
  readonly attempts?: number;
  readonly initialDelay?: number;
  readonly timeout?: number;
  readonly wait?: number;
}

const seconds = optional(number(0, 1_000_000));

export const dokkuShape = object<DokkuCheck>({
  type: optional(oneOf('a type', ['', 'startup', 'readiness', 'liveness'])),
  name: optional(text('a name on one line', /^[^\0-\x1f\x7f]{0,100}$/)),
  command: optional(anyOf(nonEmpty, array(text(), 1))),
  path: optional(text('a path that starts with "/"', /^\/[\x21-\x7e]*$/)),
  content: optional(text()),
  httpHeaders: optional(array(object<Header>({ name: text('the name of a header', /^[\w!#$%&'*+.^`|~-]+$/), value: text('a value on one line', /^[\t\x20-\x7e]*$/) }))),
  scheme: optional(oneOf('a scheme', ['http', 'HTTP', ''])),
  listening: optional(boolean),
  port: optional(integer(1, 65_535)),
  uptime: seconds,
  attempts: optional(integer(1, 1_000_000)),
  initialDelay: seconds,
  timeout: seconds,
  wait: seconds,
});

/** @throws ERR_TSRUN_INVALID_ARGUMENT unless it is one kind of check */
export function healthOfDokku(check: DokkuCheck, place: string): HealthCheck {
  const { type = '', name = '', attempts = 3, timeout = 5, wait = 5, uptime, initialDelay = 0 } = check;
  const probes = probesOf(check);
  const [probe, ...others] = probes;
  if (probe === undefined || others.length > 0) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `${place}: expected one of command, path, listening and uptime, found ${probe === undefined ? 'none' : 'several'}`, { hint: 'a check does one thing' });
  }
  return {
    ...(name !== '' && { name }),
    purpose: type === '' ? 'startup' : type,
    probe,
    retries: attempts,
    // A time of none is as short as it can be.
    timeoutMs: Math.max(1, Math.round(timeout * 1000)),
    intervalMs: Math.max(1, Math.round(wait * 1000)),
    initialDelayMs: Math.round((uptime ?? initialDelay) * 1000),
  };
}

function probesOf({ command, path, content = '', httpHeaders = [], listening = false, uptime, port }: DokkuCheck): readonly HealthProbe[] {
  const at = port === undefined ? {} : { port };
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
  return [
    ...(command === undefined ? [] : [{ type: 'exec', command } as const]),
    ...(path === undefined ? [] : [{ type: 'http', path, ...at, ...(content !== '' && { contains: content }), ...(httpHeaders.length > 0 && { headers }) } as const]),
    ...(listening ? [{ type: 'tcp', ...at } as const] : []),
    ...(uptime === undefined ? [] : [{ type: 'alive' } as const]),
  ];
}
