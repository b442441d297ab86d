/** Waits until a dyno is up, and has been for a while. */
import type { Clock } from './clock.js';

/** `isComing`: neither up nor given up. */
interface Look {
  readonly isUp: boolean;
  readonly isComing: boolean;
}

export class Rising {
  readonly #clock: Clock;
  readonly #look: () => Look;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock, look: () => Look) {
    this.#clock = clock;
    this.#look = look;
  }

  /** To be called when its state is another. */
  changed(): void {
    for (const look of this.#waiting) look();
  }

  /** Whether it comes up, and stays so for that long. */
  async settled(steadyMs: number): Promise<boolean> {
    await this.#until(() => !this.#look().isComing);
    let isOver = false;
    const cancel = this.#clock.after(steadyMs, () => {
      isOver = true;
      this.changed();
    });
    await this.#until(() => isOver || !this.#look().isUp);
    cancel();
    return this.#look().isUp;
  }

  async #until(isSo: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!isSo()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
