/** Programs of the native part: for this processor where there are some for several, else as they were built here. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const checkout = resolve(import.meta.dirname, '../../..');

export function builtProgram(name: string): string {
  const prebuilt = join(checkout, `prebuilds/linux-${process.arch}`, name);
  return existsSync(prebuilt) ? prebuilt : join(checkout, 'build/Release', name);
}
