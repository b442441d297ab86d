/** What an engine is told: one line, in the words that engines look for. */
export class RuntimeError extends Error {
  /** What the command exits with. */
  readonly status: number;

  constructor(message: string, status = 1) {
    super(message);
    this.status = status;
  }
}
