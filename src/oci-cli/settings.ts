/** What the flags before the command say. */
import { resolve } from 'node:path';
import { isOfOrdinaryUser } from './launcher-ids.js';
import { logTo, type LogSettings } from './log.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';
import { helpFlag, textOf, type FlagTable, type Words } from './words.js';

export const globalFlags: FlagTable = {
  debug: { kind: 'flag', says: 'log what is done as well, not errors alone' },
  log: { kind: 'text', says: 'file for errors and the debug log, or file:PATH, journald:IDENTIFIER, syslog:IDENTIFIER; errors go to standard error too' },
  'log-format': { kind: 'text', says: 'text (default) or json' },
  root: { kind: 'text', says: 'where the folders of containers are; should be on a tmpfs (default: "/run/tsrun-oci")' },
  criu: { kind: 'refused', says: 'checkpoint and restore are not there yet' },
  'cgroup-manager': { kind: 'text', says: 'who makes the cgroup: cgroupfs (default), systemd, as with --systemd-cgroup, or disabled, for none' },
  'systemd-cgroup': { kind: 'flag', says: 'have systemd make the cgroup, as a transient scope; cgroupsPath is slice:prefix:name then' },
  rootless: { kind: 'text', says: 'do without a cgroup where none can be made: true, false, or auto (default), as true' },
  ...helpFlag,
  version: { kind: 'flag', short: 'v', says: 'print the version' },
};

const cgroupManagers = ['cgroupfs', 'systemd', 'disabled'] as const;

export type CgroupManager = (typeof cgroupManagers)[number];

export interface Settings {
  /** Where the folders of containers are. */
  readonly root: string;
  /** A container must have a cgroup. */
  readonly needsCgroup: boolean;
  /** Who makes it. */
  readonly cgroupManager: CgroupManager;
}

/** Lines of the log go where the flags say as soon as it is known, those of the other flags too. */
export function settingsOf(words: Words): Settings {
  const format = textOf(words, 'log-format') ?? 'text';
  const log: LogSettings = { log: textOf(words, 'log'), logFormat: format === 'json' ? 'json' : 'text', debug: words.flags.has('debug') };
  logTo(log);
  if (format !== 'text' && format !== 'json') throw new RuntimeError(`invalid log-format: ${format}`);
  const rootless = textOf(words, 'rootless') ?? 'auto';
  if (!['true', 'false', 'auto'].includes(rootless)) throw new RuntimeError(`invalid value ${JSON.stringify(rootless)} for --rootless: it is true, false or auto`);
  return { root: resolve(textOf(words, 'root') ?? defaultRoot()), needsCgroup: rootless === 'false', cgroupManager: cgroupManagerOf(words) };
}

/** crun's word for it, and runc's. */
function cgroupManagerOf(words: Words): CgroupManager {
  const given = textOf(words, 'cgroup-manager');
  const manager = given === undefined ? 'cgroupfs' : cgroupManagers.find((each) => each === given);
  if (manager === undefined) throw new RuntimeError(`unknown cgroup manager specified: ${given ?? ''}`);
  return words.flags.has('systemd-cgroup') ? 'systemd' : manager;
}

/** Where runc looks too. */
function defaultRoot(): string {
  const { XDG_RUNTIME_DIR: folder = '' } = host.environment();
  return folder !== '' && isOfOrdinaryUser() ? `${folder}/tsrun-oci` : '/run/tsrun-oci';
}
