/** One repository on one server: finds out how to speak to it, shows what it wants to see, follows where it sends. */
import { printable } from '../../spec/quote.js';
import { TsrunError } from '../../spec/errors.js';
import { reasonOf, wrongAnswer } from './answers.js';
import { Authorizer } from './authorizer.js';
import { parseChallenges, type Challenge } from './challenge.js';
import { connectionError, isLost, isRefused, placeOf, speaksNoTls } from './failures.js';
import type { Place } from './places.js';
import type { RegistryHost } from './registry-host.js';
import { discard, persist } from './retry.js';
import { certificateFolders } from './tls-files.js';
import { headerOf, isLoopback, Transport, type HttpAnswer, type HttpQuestion } from './transport.js';

/** An answer, and where in the end it came from. */
export interface PlacedAnswer extends HttpAnswer {
  readonly url: URL;
}

const redirects = new Set([301, 302, 303, 307, 308]);
const mostRedirects = 5;
const none: ReadonlySet<number> = new Set();

export class Endpoint {
  readonly place: Place;
  readonly #host: RegistryHost;
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  #base: Promise<URL> | undefined;

  constructor(place: Place, authFile: string | undefined, host: RegistryHost) {
    this.place = place;
    this.#host = host;
    this.#transport = new Transport(host, place.insecure);
    this.#authorizer = new Authorizer(place, authFile, host, { ask: (url, question) => this.#send(url, question), isSafe: (url) => this.#isSafe(url) });
  }

  /**
   * Asks for something of the repository, `manifests/latest`, with what the registry wants to see, as often as is sensible.
   *
   * @returns also a refusal: `refusal` makes an error of it
   * @throws ERR_TSRUN_REGISTRY where there was no answer
   */
  async get(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined): Promise<PlacedAnswer> {
    const base = await this.#found(signal);
    const url = new URL(`${this.place.repository}/${path}`, base);
    const authorization = await this.#authorizer.header(signal);
    const answer = await this.#follow(url, headers, authorization, signal);
    if (answer.status !== 401 || answer.url.origin !== base.origin) return answer;
    const better = await this.#authorizer.meet(challengesOf(answer), authorization, signal);
    if (better === undefined) return answer;
    await discard(answer);
    return this.#follow(url, headers, better, signal);
  }

  /** An answer that is not what was asked for. @param hint for a status that says no more than that */
  async refusal(answer: PlacedAnswer, hint: string): Promise<TsrunError> {
    const reason = await reasonOf(answer, answer.url, this.#authorizer.secrets);
    return new TsrunError('ERR_TSRUN_REGISTRY', `${placeOf(answer.url)} answered ${reason}`, { hint: await this.#hintFor(answer, hint) });
  }

  /** What the connection threw while a body was read. */
  failure(url: URL, cause: unknown): TsrunError {
    return connectionError(url, cause, certificateFolders(url.host, this.#host));
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #hintFor({ status }: PlacedAnswer, hint: string): Promise<string> {
    if (status === 401 || status === 403) {
      return `it is not there, or not for everybody: check the name, log in with docker login or podman login for ${printable(this.place.host)}${await this.#authorizer.story()}`;
    }
    if (status === 429) return 'the registry gives only so much in a time: wait, log in (it may give more then), or set up a mirror in registries.conf';
    return status >= 500 ? 'the registry has a fault of its own: try again later' : hint;
  }

  #found(signal: AbortSignal | undefined): Promise<URL> {
    const base = (this.#base ??= this.#find(signal));
    base.catch(() => {
      if (this.#base === base) this.#base = undefined;
    });
    return base;
  }

  /** The first question (distribution-spec, "Determining Support") tells TLS from none, and often what is to be shown. */
  async #find(signal: AbortSignal | undefined): Promise<URL> {
    if (!URL.canParse(`https://${this.place.host}/v2/`)) throw new TsrunError('ERR_TSRUN_REGISTRY', `'${printable(this.place.host)}' is no host`, { hint: 'see the location of that registry in registries.conf' });
    const secure = new URL(`https://${this.place.host}/v2/`);
    const plain = new URL(`http://${this.place.host}/v2/`);
    const ask = (url: URL) => persist(() => this.#transport.send(url, { signal }), this.#host, signal, none);
    let answer: HttpAnswer;
    let base = secure;
    try {
      answer = await ask(secure);
    } catch (error) {
      // Also one that just hangs up on a handshake: who speaks no TLS need not say so.
      if (!this.#isSafe(plain) || !(speaksNoTls(error) || isRefused(error) || isLost(error))) throw this.failure(secure, error);
      base = plain;
      answer = await ask(plain).catch((cause: unknown) => {
        throw this.failure(plain, cause);
      });
    }
    await discard(answer);
    if (answer.status === 401) await this.#authorizer.meet(challengesOf(answer), undefined, signal);
    return base;
  }

  async #follow(start: URL, headers: Readonly<Record<string, string>>, authorization: string | undefined, signal: AbortSignal | undefined): Promise<PlacedAnswer> {
    let url = start;
    for (let hops = 0; ; hops++) {
      // What is shown to the registry is not for where it sends.
      const shown = authorization !== undefined && url.origin === start.origin ? { authorization } : {};
      const answer = await this.#send(url, { headers: { ...headers, ...shown }, signal });
      if (!redirects.has(answer.status)) return { ...answer, url };
      await discard(answer);
      if (hops === mostRedirects) throw wrongAnswer(start, `it sent on more than ${mostRedirects} times`);
      url = this.#target(headerOf(answer, 'location') ?? '', url);
    }
  }

  #target(location: string, from: URL): URL {
    const target = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
    const isUsable = location !== '' && target !== undefined && /^https?:$/.test(target.protocol) && target.username === '' && target.password === '';
    if (!isUsable) throw wrongAnswer(from, 'it sent on to what is no address');
    if (!this.#isSafe(target)) throw wrongAnswer(from, `it sent on to ${placeOf(target)}, in the clear`);
    return target;
  }

  async #send(url: URL, question: HttpQuestion): Promise<HttpAnswer> {
    try {
      return await persist(() => this.#transport.send(url, question), this.#host, question.signal);
    } catch (cause) {
      throw this.failure(url, cause);
    }
  }

  /** In the clear only where that was asked for, or from this machine to itself. */
  #isSafe(url: URL): boolean {
    return url.protocol === 'https:' || this.place.insecure || (isLoopback(url.hostname) && isLoopback(new URL(`https://${this.place.host}`).hostname));
  }
}

function challengesOf(answer: HttpAnswer): readonly Challenge[] {
  return parseChallenges(answer.headers['www-authenticate']);
}
