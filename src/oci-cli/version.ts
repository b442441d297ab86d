/** What `--version` says, in runc's lines. Docker reads the first and the third at its start. */
import { ociVersion } from '../spec/defaults.js';
import { host } from './platform/host.js';

/** Put in by the bundler, from package.json. */
declare const packageVersion: string;

export function versionText(): string {
  return `tsrun-oci version ${packageVersion}\nspec: ${ociVersion}\nlibseccomp: ${host.seccompVersion()}\n`;
}
