/**
 * What the kernel and the prose of the runtime-spec say beyond its JSON schemas. Schemas and rules together are the validator
 * (`schema.generated.ts`); what ties several fields together stands in `rules-*.ts`.
 */

import { largestId } from '../ids.js';
import { absolutePath, hostName, id, idMapExtents, nonEmpty, stringMap } from '../schema-common.js';
import { integer, text } from '../shape.js';
import { linuxRules } from './linux.js';
import { processRules } from './process.js';
import { resourcesRules } from './resources.js';
import type { Rules } from './rule.js';
import { seccompRules } from './seccomp.js';

/** semver.org's grammar as far as it matters; the next major version may mean something else by any field. */
const version = text('a version such as "1.3.0", before 2.0.0', /^[01]\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:[-+][\w.+-]+)?$/);

const destination = text('a path of at most 4095 bytes', { test: (path) => path !== '' && Buffer.byteLength(path) <= 4095 });

const elsewhere = { elsewhere: true } as const;

export const rules = {
  // config.md, "Specification version".
  '/ociVersion': { shape: version },
  // config.md, "Root"; an empty path would be the bundle.
  '/root/path': { shape: nonEmpty },
  // uts_namespaces(7).
  '/hostname': { shape: hostName },
  '/domainname': { shape: hostName },
  // config.md, "Mounts": relative ones are for compatibility, and relative to `/`.
  '#Mount/destination': { shape: destination },
  // An option has a name.
  '#Mount/options/*': { shape: nonEmpty },
  '#Mount/uidMappings': { most: idMapExtents },
  '#Mount/gidMappings': { most: idMapExtents },
  // config.md, "POSIX-platform Hooks".
  '#Hook/path': { shape: absolutePath },
  // The same for more than zero; poll(2) takes an int.
  '#Hook/timeout': { shape: integer(1, 2_147_483_647) },
  // config.md, "Annotations": no key is empty; nor has one a meaning in another map.
  '#mapStringString': { shape: stringMap },
  // user_namespaces(7): the kernel keeps 4294967295 for "no id". `first + size` is looked at in `rules-ids.ts`.
  '#UID': { shape: id },
  '#GID': { shape: id },
  '#IDMapping/containerID': { shape: id },
  '#IDMapping/hostID': { shape: id },
  '#IDMapping/size': { shape: integer(1, largestId + 1) },
  '/freebsd': elsewhere,
  '/solaris': elsewhere,
  '/vm': elsewhere,
  '/windows': elsewhere,
  '/zos': elsewhere,
  ...processRules,
  ...linuxRules,
  ...resourcesRules,
  ...seccompRules,
} as const satisfies Rules;
