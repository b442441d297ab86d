/** Where lines go: what a drain, which buffers and tries again, wants of it. */
import { TsrunError, type ErrorDetails } from '../../spec/errors.js';
import type { LogLine } from '../log/line.js';

/** Lines that are delivered or lost together. */
export interface Batch {
  /** The same with each try. */
  readonly id: string;
  readonly lines: readonly LogLine[];
}

export interface Sink {
  readonly limits: SinkLimits;
  /**
   * Resolves when somebody else has the lines. A try that ended otherwise is repeated with the same batch.
   *
   * @param signal ends the try
   */
  readonly deliver: (batch: Batch, signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void> | void;
}

export interface SinkLimits {
  /** Of one batch. */
  readonly mostLines: number;
  /** Milliseconds that a line waits for others. */
  readonly gatherMs: number;
  /** Milliseconds that a try may take; undefined: it ends by itself. */
  readonly tryMs?: number;
}

/** A try that failed, as events tell of it. */
export class DeliveryError extends TsrunError {
  /** Trying again is of no use: the lines are refused. */
  readonly isPermanent: boolean;
  /** The receiver's certificate is not to be trusted. */
  readonly isCertificate: boolean;
  /** As the receiver wants it. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { isPermanent = false, isCertificate = false, retryAfterMs, ...details }: ErrorDetails & { readonly isPermanent?: boolean; readonly isCertificate?: boolean; readonly retryAfterMs?: number | undefined } = {}) {
    super('ERR_TSRUN_DRAIN', message, details);
    this.isPermanent = isPermanent;
    this.isCertificate = isCertificate;
    this.retryAfterMs = retryAfterMs;
  }
}
