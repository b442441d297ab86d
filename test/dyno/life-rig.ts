/** The life of a dyno without a dyno. */
import type { Death } from '../../src/dyno/death.js';
import type { LifecycleSettings } from '../../src/dyno/life-settings.js';
import { Lifecycle } from '../../src/dyno/lifecycle.js';
import { restartPolicies } from '../../src/dyno/restart-policy.js';
import { FakeClock } from './fake-clock.js';

export function exited(code: number): Death {
  return { cause: code > 128 ? 'signal' : 'exit', code, oomKills: 0 };
}

/** What was done and said, in order: actions in angle brackets. */
export class Rig {
  readonly clock = new FakeClock();
  readonly life: Lifecycle;
  said: string[] = [];
  badBind: string | undefined;

  constructor({ replace = false, ...settings }: Partial<LifecycleSettings> & { readonly replace?: boolean } = {}) {
    const act = (what: string) => () => {
      this.said.push(`<${what}>`);
    };
    const actions = { launch: act('launch'), terminate: act('terminate'), kill: act('kill'), tellBadBind: () => { if (this.badBind !== undefined) this.said.push(this.badBind); }, log: (message: string) => this.said.push(message), changed: () => undefined, ...(replace && { replace: act('replace') }) };
    this.life = new Lifecycle({ clock: this.clock, policy: restartPolicies.heroku, command: 'node server.js', stopSignal: 'SIGTERM', graceMs: 30_000, chance: () => 0, ...settings }, actions);
  }

  take(): string[] {
    return this.said.splice(0);
  }

  /** Up, with what was said until then forgotten. */
  up(): this {
    this.life.start();
    this.life.launched();
    this.life.bound();
    this.take();
    return this;
  }
}
