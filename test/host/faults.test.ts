// Errors at the system calls of a start, in the launcher and in the process that becomes the container: it says what failed, or does not
// matter, and leaves nothing. The short form takes a sample, TSRUN_LONG=1 every call with every error.
import { TsrunError } from '../../src/index.js';
import { momentsOfAll, Place, sample, tracedStart } from '../support/faults.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay', 'command:strace');
const errors = ['ENOMEM', 'EIO', 'ENOSPC', 'EINTR', 'EMFILE', 'EPERM'] as const;
/** A close that is made to fail has not closed; what cannot fail (epoll_pwait but for EINTR); and what the C library has before any code of ours. */
const apart = new Set(['close', 'epoll_pwait', 'exit', 'exit_group', 'rt_sigreturn', 'getpid', 'brk', 'mmap', 'munmap', 'mprotect']);

function wrongOf(result: unknown, error: string): string | undefined {
  if (TsrunError.is(result)) {
    if (error === 'EINTR') return `not tried again: ${result.message}`;
    return result.message !== '' && (result.hint ?? '') !== '' ? undefined : `says nothing: ${result.code} ${result.message}`;
  }
  if (typeof result === 'object' && result !== null && 'cause' in result && 'code' in result) {
    // What would have told of the end did not come through.
    return (result.cause === 'exit' && result.code === 0) || result.cause === 'lost' ? undefined : JSON.stringify(result);
  }
  return String(result);
}

here('errors at system calls of a start are told, and leave nothing', async (t) => {
  const first = new Place(lab);
  const moments = (await momentsOfAll(lab.image, first)).filter(({ name }) => !apart.has(name));
  t.true(moments.length > 200, `${moments.length} calls`);
  const faults = sample(errors.flatMap((error) => moments.map((moment) => ({ ...moment, error }))), 300);
  t.timeout(faults.length * 2000 * patience);
  const troubles: string[] = [];
  for (const { name, count, error } of faults) {
    const place = new Place(lab);
    const result: unknown = await tracedStart(lab.image, place, '-f', '-o', '/dev/null', '-e', `inject=${name}:error=${error}:when=${count}`).catch((error: unknown) => error instanceof Error ? error.stack : error);
    const left = await place.leftAfterOpening();
    const wrong = left.length > 0 ? `left: ${left.join(', ')}` : wrongOf(result, error);
    if (wrong !== undefined) troubles.push(`${name} ${count} ${error}: ${wrong}`);
    place.remove();
  }
  t.log(`${faults.length} errors`);
  t.deepEqual(troubles, []);
  first.remove();
});

lab.declareLeakTest();
