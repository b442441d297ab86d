/** Who asks for what nobody is named for. */
import { userInfo } from 'node:os';

/** The user of this process. */
export function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    // No passwd file has it.
    return String(process.getuid?.() ?? '');
  }
}
