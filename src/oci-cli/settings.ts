/** What the flags before the command say. */
import { host } from './platform/host.js';
import { textOf, type FlagTable, type Words } from './words.js';

export const globalFlags: FlagTable = {
  root: { kind: 'text' },
  log: { kind: 'text' },
  'log-format': { kind: 'text' },
  version: { kind: 'flag', short: 'v' },
};

export interface Settings {
  /** Where the folders of containers are. */
  readonly root: string;
  readonly log: string | undefined;
  readonly logFormat: 'text' | 'json';
}

export function settingsOf(words: Words): Settings {
  return {
    root: textOf(words, 'root') ?? defaultRoot(),
    log: textOf(words, 'log'),
    logFormat: textOf(words, 'log-format') === 'json' ? 'json' : 'text',
  };
}

function defaultRoot(): string {
  const folder = host.environment()['XDG_RUNTIME_DIR'];
  return host.ids().uid === 0 || folder === undefined || folder === '' ? '/run/tsrun-oci' : `${folder}/tsrun-oci`;
}
