/** Errors of the owner of a formation, as who has asked gets them. */
import { TsrunError, type ErrorCode } from '../../spec/errors.js';

const codes: Readonly<Record<ErrorCode, true>> = {
  ERR_TSRUN_INVALID_ARGUMENT: true,
  ERR_TSRUN_INVALID_SPEC: true,
  ERR_TSRUN_UNSUPPORTED: true,
  ERR_TSRUN_HOST: true,
  ERR_TSRUN_LIMIT_UNAVAILABLE: true,
  ERR_TSRUN_IMAGE: true,
  ERR_TSRUN_REGISTRY: true,
  ERR_TSRUN_STORE: true,
  ERR_TSRUN_COPY: true,
  ERR_TSRUN_USER_NOT_FOUND: true,
  ERR_TSRUN_SETUP: true,
  ERR_TSRUN_COMMAND_NOT_FOUND: true,
  ERR_TSRUN_COMMAND_NOT_EXECUTABLE: true,
  ERR_TSRUN_NOT_FOUND: true,
  ERR_TSRUN_EXISTS: true,
  ERR_TSRUN_STATE: true,
  ERR_TSRUN_LAUNCHER_LOST: true,
  ERR_TSRUN_NATIVE_LOAD: true,
  ERR_TSRUN_ABORTED: true,
  ERR_TSRUN_DRAIN: true,
  ERR_TSRUN_RELEASE: true,
};

export function errorJson(error: unknown): object {
  if (!TsrunError.is(error)) return { code: 'ERR_TSRUN_HOST', message: error instanceof Error ? error.message : String(error) };
  const { code, message, hint, field } = error;
  return { code, message, ...(hint !== undefined && { hint }), ...(field !== undefined && { field }) };
}

export function errorOf(value: unknown): TsrunError {
  const { code, message, hint, field }: Readonly<Record<string, unknown>> = typeof value === 'object' && value !== null ? { ...value } : {};
  if (!isCode(code) || typeof message !== 'string') return new TsrunError('ERR_TSRUN_STATE', 'the owner of the formation has answered in words that this version of tsrun does not know');
  return new TsrunError(code, message, { hint: textOf(hint), field: textOf(field) });
}

function isCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(codes, value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
