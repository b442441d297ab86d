/** Schemata of resctrl, the kernel's interface to Intel's and AMD's cache and bandwidth allocation (Documentation/arch/x86/resctrl.rst). */
import type { IntelRdt } from './types.js';

/** In the order of config-linux.md, "Intel RDT". */
export function schemataLines({ l3CacheSchema, memBwSchema, schemata = [] }: IntelRdt): string[] {
  return [l3CacheSchema, memBwSchema, ...schemata].filter((line): line is string => line !== undefined && line !== '');
}

/** Whether a group that is there has what is asked for: each domain that is named, whatever the others have. */
export function hasSchemata(present: string, asked: readonly string[]): boolean {
  const there = new Map(present.split('\n').map((line) => domainsOf(line)));
  return asked.every((line) => {
    const [resource, domains] = domainsOf(line);
    return [...domains].every(([domain, value]) => there.get(resource)?.get(domain) === value);
  });
}

/** Lines that are there for the resources that others are about. */
export function linesOfSame(present: string, asked: readonly string[]): string[] {
  const wanted = new Set(asked.map((line) => domainsOf(line)[0]));
  return present.split('\n').map((line) => line.trim()).filter((line) => wanted.has(domainsOf(line)[0]));
}

function domainsOf(line: string): [resource: string, domains: Map<string, string>] {
  const [resource = '', rest = ''] = line.trim().split(/:(.*)/s);
  // Masks are shown with leading zeros.
  const entries = rest.split(';').map((each) => each.split('=').map((word) => word.trim())).map(([domain = '', value = '']): [string, string] => [domain, value.toLowerCase().replace(/^0+(?=.)/, '')]);
  return [resource, new Map(entries)];
}
