/** The small files that tell a program its name and who else there is. */

import { isBind } from '../../spec/bind.js';
import { normalPath } from '../../spec/inner-path.js';
import type { Mount } from '../../spec/types.js';
import type { RunOptions } from '../options/options.js';

export interface FileInput {
  readonly options: RunOptions;
  readonly isBundle: boolean;
  /** Absent where the container shares the host's name. */
  readonly hostname: string | undefined;
  /** It has loopback alone. */
  readonly isOffline: boolean;
  /** The host's /etc/resolv.conf, for a container that reaches its name servers. */
  readonly resolvConf: string | undefined;
  /** All that will be mounted. */
  readonly mounts: readonly Mount[];
}

/**
 * By inner path. A place that the caller mounts over is the caller's, and so is what lies in a volume: it is a folder of the host. A
 * bundle gets only what was asked for.
 */
export function buildFiles(input: FileInput): Record<string, string> {
  const { options, isBundle, hostname } = input;
  const taken = new Set((options.mounts ?? []).map(({ destination }) => normalPath(destination)));
  const files: [string, string | undefined][] = [
    ['/etc/hostname', hostname !== undefined && (!isBundle || options.hostname !== undefined) ? `${hostname}\n` : undefined],
    ['/etc/hosts', !isBundle || options.addHosts !== undefined || options.hostname !== undefined ? hosts(input) : undefined],
    ['/etc/resolv.conf', !isBundle || options.dns !== undefined ? resolver(input) : undefined],
  ];
  const inVolume = (path: string) => input.mounts.some((mount) => isBind(mount) && path.startsWith(`${normalPath(mount.destination)}/`));
  return Object.fromEntries(files.flatMap(([path, text]) => (text === undefined || taken.has(path) || inVolume(path) ? [] : [[path, text]])));
}

/** The same files for a container of another name. */
export function renameFiles(files: Readonly<Record<string, string>>, options: RunOptions, hostname: string): Record<string, string> {
  const renamed: Record<string, string> = { ...files };
  if (renamed['/etc/hostname'] !== undefined) renamed['/etc/hostname'] = `${hostname}\n`;
  if (renamed['/etc/hosts'] !== undefined) renamed['/etc/hosts'] = hosts({ options, hostname });
  return renamed;
}

/** What a file replaces: a bundle's own mount there would cover it. */
export function withoutMountsAt(mounts: readonly Mount[], files: Readonly<Record<string, string>>): Mount[] {
  return mounts.filter(({ destination }) => !Object.hasOwn(files, normalPath(destination)));
}

function hosts({ options, hostname }: Pick<FileInput, 'options' | 'hostname'>): string {
  const { addHosts = {}, domainname } = options;
  const full = domainname === undefined || hostname === undefined || hostname.includes('.') ? [] : [`${hostname}.${domainname}`];
  return lines([
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    // Debian's address for the name of a machine whose own address is not known.
    ...(hostname === undefined ? [] : [`127.0.1.1\t${[...full, hostname].join(' ')}`]),
    ...Object.entries(addHosts).map(([name, address]) => `${address}\t${name}`),
  ]);
}

/** Without a server in the file the C library asks 127.0.0.1, where nobody listens: look-ups fail at once. */
function resolver({ options, isOffline, resolvConf }: FileInput): string | undefined {
  const { dns = [] } = options;
  if (dns.length === 0) return isOffline ? '# no network, so no name server\n' : resolvConf === '' ? undefined : resolvConf;
  const others = isOffline ? [] : (resolvConf ?? '').split('\n').filter((line) => /^(?:search|options)\s/.test(line));
  return lines([...dns.map((address) => `nameserver ${address}`), ...others]);
}

function lines(text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}
