/** How much has been copied: one line, redrawn, and only on a terminal, as docker does. */
import type { Copied } from '../index.js';
import type { OutputStream } from './invocation.js';
import { escapeControl, humanSize } from './output.js';
import { tell } from './tell.js';

export interface CopyProgress {
  update(doneBytes: number): void;
  finish(copied: Copied, destination: string): void;
  /** Leaves no half line. */
  close(): void;
}

const nothing = { update: () => undefined, finish: () => undefined, close: () => undefined };
const eraseLine = '\r\x1b[K';
/** Fast enough to look smooth, and little to write. */
const leastMs = 80;

export function openCopyProgress(stream: OutputStream, env: Readonly<Record<string, string | undefined>>, quiet: boolean): CopyProgress {
  if (quiet || stream.isTTY !== true || env['TERM'] === 'dumb') return nothing;
  // A small copy is over before it is worth a line.
  let drawnAtMs = performance.now();
  let isDrawn = false;
  const close = () => {
    if (isDrawn) tell(stream, eraseLine);
    isDrawn = false;
  };
  return {
    update(doneBytes) {
      const nowMs = performance.now();
      if (nowMs - drawnAtMs < leastMs) return;
      drawnAtMs = nowMs;
      isDrawn = true;
      tell(stream, `${eraseLine}Copying  ${humanSize(doneBytes)}`);
    },
    finish({ entries, bytes }, destination) {
      close();
      const what = destination === '-' ? '' : ` to ${escapeControl(destination)}`;
      tell(stream, `Copied ${humanSize(bytes)} (${entries} ${entries === 1 ? 'entry' : 'entries'})${what}\n`);
    },
    close,
  };
}
