/** The subordinate ids of the caller: what newuidmap(1) and newgidmap(1) let an ordinary user map (subuid(5)). */
import { userInfo } from 'node:os';
import { subordinateRanges, type IdRange } from '../../host/id-ranges.js';
import { systemReader } from '../../host/reader.js';
import { TsrunError } from '../../spec/errors.js';

/** How many ids besides root's exist in the launcher's user namespace. */
export interface SubordinateIds {
  readonly uids: number;
  readonly gids: number;
}

export function subordinateIds(): SubordinateIds {
  return { uids: subordinateRange('/etc/subuid').size, gids: subordinateRange('/etc/subgid').size };
}

/** @throws TsrunError `ERR_TSRUN_HOST` when the caller has none */
export function subordinateRange(file: string): IdRange {
  const { name, uid } = whoAmI();
  const [range] = subordinateRanges(systemReader.read(file) ?? '', { name, uid });
  if (range !== undefined) return range;
  throw new TsrunError('ERR_TSRUN_HOST', `the user '${name}' has no subordinate ids in '${file}'`, {
    hint: `as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`,
  });
}

/** By number where the user has no entry in passwd, as somebody of setpriv(1) or of another machine. */
function whoAmI(): { readonly name: string; readonly uid: number } {
  const uid = process.getuid?.() ?? 0;
  try {
    return { name: userInfo().username, uid };
  } catch {
    return { name: String(uid), uid };
  }
}
