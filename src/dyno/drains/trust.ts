/** Who may vouch for a receiver. */
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { thisHost } from '../../image/registry/registry-host.js';
import { hostTrust } from '../../image/registry/tls-files.js';

/** Certificates in PEM form, or a file of them; neither: those of this machine. */
export interface Trust {
  readonly ca?: string;
  readonly caFile?: string;
}

export async function contextOf({ ca, caFile }: Trust): Promise<SecureContext> {
  const own = ca ?? (caFile === undefined ? undefined : await readFile(caFile, 'utf8'));
  return own === undefined ? hostTrust(thisHost()) : createSecureContext({ ca: own });
}
