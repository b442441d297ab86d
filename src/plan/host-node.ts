/** An ordinary user may make no device node (mknod(2)), and is given the host's own: as that is, or not at all. */
import { TsrunError } from '../spec/errors.js';
import type { Device } from '../spec/types.js';

/** @param found what lies on the host at the path of `asked` */
export function checkHostNode(asked: Device, found: Device | undefined, field: string): void {
  const { path, fileMode, uid = 0, gid = 0 } = asked;
  const refuse = (at: string, what: string): never => {
    throw new TsrunError('ERR_TSRUN_HOST', `an ordinary user is given the host's own node at '${path}', ${what}`, {
      field: `${field}${at}`,
      hint: `describe it as ls -l ${path} does, leave it out, or start the container as root`,
    });
  };
  if (found === undefined) return refuse('/path', 'and there is none');
  if (words(asked) !== words(found)) return refuse('', `which is ${words(found)}, not ${words(asked)}`);
  const [is, wanted] = [octal(found.fileMode), octal(fileMode ?? found.fileMode)];
  if (is !== wanted) return refuse('/fileMode', `which has the mode ${is}, not ${wanted}`);
  // Root of the host is nobody in there: 0 can only be what was written for "whoever it is".
  if (uid !== 0) return refuse('/uid', `which cannot be given to user ${uid}`);
  if (gid !== 0) refuse('/gid', `which cannot be given to group ${gid}`);
}

function words({ type, major = 0, minor = 0 }: Device): string {
  return type === 'p' ? 'a FIFO' : `${type === 'u' ? 'c' : type} ${major}:${minor}`;
}

/** Without the bits for the type of file. */
function octal(mode = 0): string {
  return `0${(mode & 0o777).toString(8)}`;
}
