/** Looks at the containers of this host and at the dynos of apps in the background, together, as often as it is asked. */
import { totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { ContainerSurvey, FormationClient, listFormations, type ContainerUse } from '../../index.js';
import { rowsOf, type AppDyno, type TopRow } from './rows.js';

/** An agent that does not answer keeps nobody from being shown; its dynos are containers like others until then. */
const patienceMs = 1000;

export class Sampler {
  readonly #app: string | undefined;
  readonly #survey = new ContainerSurvey();
  readonly #apps = new Map<string, Asked>();
  #before: ReadonlyMap<string, ContainerUse> = new Map();

  /** @param app whose dynos alone are wanted; absent: all that there is */
  constructor(app?: string) {
    this.#app = app;
  }

  async look(): Promise<readonly TopRow[]> {
    const [uses, dynos] = await Promise.all([this.#survey.look(), this.#dynos()]);
    const rows = rowsOf({ uses, before: this.#before, dynos, hostBytes: totalmem(), nowMs: Date.now() });
    this.#before = new Map(uses.map((use) => [use.summary.id, use]));
    return this.#app === undefined ? rows : rows.filter(({ app }) => app === this.#app);
  }

  async #dynos(): Promise<readonly AppDyno[]> {
    const names = this.#app === undefined ? listFormations().map(({ name }) => name) : [this.#app];
    for (const name of this.#apps.keys()) if (!names.includes(name)) this.#apps.delete(name);
    for (const name of names) if (!this.#apps.has(name)) this.#apps.set(name, new Asked(name));
    const apps = [...this.#apps.values()];
    await Promise.race([Promise.all(apps.map(async (app) => app.ask())), delay(patienceMs, undefined, { ref: false })]);
    return apps.flatMap(({ dynos }) => dynos);
  }
}

/** One app, whose agent is asked one question at a time. */
class Asked {
  dynos: readonly AppDyno[] = [];
  readonly #client: FormationClient;
  #asking: Promise<void> | undefined;

  constructor(app: string) {
    this.#client = new FormationClient(app);
  }

  async ask(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const { name: app } = this.#client;
    // Who is dead or gone has no dynos of its own to show.
    this.dynos = await this.#client.dynos().then((dynos) => dynos.map((dyno) => ({ ...dyno, app })), () => []);
  }
}
