/** What an engine is told: one line, in the words that engines look for. */
export class RuntimeError extends Error {
  /** What the command exits with. */
  readonly status: number;

  constructor(message: string, status = 1) {
    super(message);
    this.status = status;
  }

  /** Of either script: each has a class of its own. */
  static is(error: unknown): error is RuntimeError {
    return error instanceof Error && 'status' in error && typeof error.status === 'number';
  }
}
