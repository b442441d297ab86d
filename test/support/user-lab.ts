/** The ordinary user of a file of tests: made for the first test that asks, removed after the last. */
import test from 'ava';
import type { Lab } from './lab.js';
import { needs, type Need } from './needs.js';
import { OrdinaryUser } from './ordinary-user.js';
import type { Order, Reply } from './user-program.js';

/** What a container of an ordinary user needs of its host. */
export const userNeeds: readonly Need[] = ['root', 'userns', 'overlay', 'command:newuidmap', 'command:setpriv'];

export class UserLab {
  readonly #lab: Lab;
  #made: OrdinaryUser | undefined;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  readonly user = (): OrdinaryUser => {
    this.#made ??= new OrdinaryUser(this.#lab);
    return this.#made;
  };

  readonly ask = async (...orders: readonly Order[]): Promise<Reply[]> => this.user().ask(orders);

  readonly said = async (...orders: readonly Order[]): Promise<(string | undefined)[]> =>
    (await this.ask(...orders)).map(({ said: text, error }) => text ?? error?.message);

  /** Declares the last tests of a file. */
  declareLeakTests(): void {
    test.after.always('the user is removed', async () => {
      this.#made?.remove();
      if (process.geteuid?.() === 0) await (await this.#lab.runtime()).close();
    });
    needs(...userNeeds)('nothing of the user is left', async (t) => {
      t.deepEqual(await this.user().leftovers(), []);
    });
    this.#lab.declareLeakTest();
  }
}
