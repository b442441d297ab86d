/** Of `node:os`, what shared code uses. The numbers are put in by the bundler, from Node's own. */
import { host } from './host.js';

declare const nodeConstants: { readonly errno: Readonly<Record<string, number>>; readonly signals: Readonly<Record<string, number>> };

export const constants = nodeConstants;

export function release(): string {
  return host.kernelRelease();
}
