/** For comparing what work gives with why it is refused. */
import { TsrunError } from '../../src/index.js';

/** What the work gives, as JSON, or the error with which it is refused, as code and message. */
export async function failure(work: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await work);
  } catch (error) {
    if (!TsrunError.is(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}
