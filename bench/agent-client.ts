/** The bench's side of an agent. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { isAnswer, type AgentSettings, type Order, type SubjectName } from './orders.js';

export class AgentClient {
  readonly #process: ChildProcess;
  readonly #gone: Promise<never>;

  private constructor(settings: AgentSettings) {
    // Where it mounts much, in a mount namespace of its own: unshare(1) becomes Node, with the channel.
    const start = settings.mounts === 0 ? { execArgv: ['--expose-gc'] } : { execPath: 'unshare', execArgv: ['--mount', process.execPath, '--expose-gc'] };
    this.#process = fork(join(import.meta.dirname, 'agent.js'), [JSON.stringify(settings)], start);
    this.#gone = once(this.#process, 'exit').then(([code]) => Promise.reject(new Error(`an agent ended with ${String(code)}`)));
    this.#gone.catch(() => undefined);
  }

  static async start(settings: AgentSettings): Promise<AgentClient> {
    const agent = new AgentClient(settings);
    await agent.#answer();
    return agent;
  }

  /** @throws when it could not be done */
  async order(order: Order): Promise<readonly number[]> {
    const answer = this.#answer();
    this.#process.send(order);
    return answer;
  }

  async start(subject: SubjectName): Promise<readonly number[]> {
    return this.order({ op: 'start', subject });
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
  }

  async #answer(): Promise<readonly number[]> {
    const received: unknown[] = await Promise.race([once(this.#process, 'message'), this.#gone]);
    const [message] = received;
    if (!isAnswer(message)) throw new Error('an agent answered what nobody understands');
    if (message.error !== undefined) throw new Error(message.error);
    return message.figures;
  }
}
