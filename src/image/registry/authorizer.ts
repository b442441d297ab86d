/**
 * What a registry is shown for it to answer: nothing, a name with a password, or a token that another server gives (distribution's
 * "Token Authentication"). The registry says where that is; a password goes only there, and only over what nobody can read.
 */
import { parseJson } from '../../spec/json.js';
import { printable } from '../../spec/quote.js';
import { TsrunError } from '../../spec/errors.js';
import { readBody, reasonOf, wrongAnswer } from './answers.js';
import { findCredential, type CredentialSearch } from './auth-file.js';
import type { Challenge } from './challenge.js';
import { basicOf, secretsOf } from './credential.js';
import { placeOf } from './failures.js';
import type { Place } from './places.js';
import type { RegistryHost } from './registry-host.js';
import type { HttpAnswer, HttpQuestion } from './transport.js';

/** How the authorizer asks others. */
export interface AuthorizerDoor {
  /** Asks until there is an answer or none to be had; follows nothing. */
  readonly ask: (url: URL, question: HttpQuestion) => Promise<HttpAnswer>;
  /** May a password go there? */
  readonly isSafe: (url: URL) => boolean;
}

interface Token {
  readonly header: string;
  readonly expiresAtMs: number;
}

const mostTokenBytes = 262_144;
/** distribution: "for compatibility with older clients, a token should never be returned with less than 60 seconds to live". */
const defaultLifeMs = 60_000;
const longestLifeMs = 24 * 3600 * 1000;
/** A token that ends while a question is on its way is refused. */
const marginMs = 5000;

export class Authorizer {
  readonly secrets = new Set<string>();
  readonly #place: Place;
  readonly #host: RegistryHost;
  readonly #door: AuthorizerDoor;
  readonly #authFile: string | undefined;
  #search: Promise<CredentialSearch> | undefined;
  #challenge: Challenge | undefined;
  #token: Promise<Token> | undefined;

  constructor(place: Place, authFile: string | undefined, host: RegistryHost, door: AuthorizerDoor) {
    [this.#place, this.#authFile, this.#host, this.#door] = [place, authFile, host, door];
  }

  /** What to show, as far as is known what is wanted. */
  async header(signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    const token = await this.#current(this.#challenge, signal);
    if (token.expiresAtMs - marginMs > this.#host.now()) return token.header;
    return (await this.#other(this.#challenge, token.header, signal)).header;
  }

  /**
   * What to show instead of `refused`; undefined where there is nothing else to show.
   *
   * @param refused the header that did not do
   */
  async meet(challenges: readonly Challenge[], refused: string | undefined, signal: AbortSignal | undefined): Promise<string | undefined> {
    const challenge = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm')) ?? challenges.find(({ scheme }) => scheme === 'basic');
    if (challenge === undefined) return undefined;
    const { credential } = await this.#credentials();
    if (challenge.scheme === 'basic' && credential?.kind !== 'password') return undefined;
    const token = await this.#other(challenge, refused, signal);
    return token.header === refused ? undefined : token.header;
  }

  /** Of several questions that were refused together the first gets a new token for all. */
  async #other(challenge: Challenge, refused: string | undefined, signal: AbortSignal | undefined): Promise<Token> {
    const pending = this.#token;
    const known = await pending?.catch(() => undefined);
    if (this.#token === pending && (known === undefined || known.header === refused)) {
      this.#challenge = challenge;
      this.#token = undefined;
    }
    return this.#current(challenge, signal);
  }

  /** Where credentials were looked for, for the hint of who is refused. */
  async story(): Promise<string> {
    const { looked } = await this.#credentials();
    return looked.length === 0 ? '' : `; credentials were looked for: ${looked.join(', ')}`;
  }

  #credentials(): Promise<CredentialSearch> {
    this.#search ??= findCredential(this.#place.name, this.#authFile, this.#host).then((search) => {
      for (const secret of secretsOf(search.credential)) this.secrets.add(secret);
      return search;
    });
    return this.#search;
  }

  #current(challenge: Challenge, signal: AbortSignal | undefined): Promise<Token> {
    if (this.#token !== undefined) return this.#token;
    const token = this.#newToken(challenge, signal);
    this.#token = token;
    token.catch(() => {
      if (this.#token === token) this.#token = undefined;
    });
    return token;
  }

  async #newToken(challenge: Challenge, signal: AbortSignal | undefined): Promise<Token> {
    const { credential } = await this.#credentials();
    if (credential?.kind === 'bearer') return { header: `Bearer ${this.#checked(credential.token, 'the registrytoken in the auth file')}`, expiresAtMs: Infinity };
    if (challenge.scheme !== 'basic' || credential?.kind !== 'password') return this.#ask(challenge, signal);
    return { header: `Basic ${basicOf(credential.username, credential.password)}`, expiresAtMs: Infinity };
  }

  async #ask(challenge: Challenge, signal: AbortSignal | undefined): Promise<Token> {
    const realm = this.#realm(challenge.parameters.get('realm') ?? '');
    const { credential } = await this.#credentials();
    const fields = new URLSearchParams();
    const service = challenge.parameters.get('service');
    if (service !== undefined) fields.set('service', service);
    fields.set('scope', challenge.parameters.get('scope') ?? `repository:${this.#place.repository}:pull`);
    let question: HttpQuestion = { signal };
    if (credential?.kind === 'identity') {
      for (const [name, value] of Object.entries({ grant_type: 'refresh_token', client_id: 'tsrun', refresh_token: credential.token })) fields.set(name, value);
      question = { signal, method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: fields.toString() };
    } else {
      if (credential?.kind === 'password') {
        fields.set('account', credential.username);
        question = { signal, headers: { authorization: `Basic ${basicOf(credential.username, credential.password)}` } };
      }
      for (const [name, value] of fields) realm.searchParams.set(name, value);
    }
    const answer = await this.#door.ask(realm, question);
    if (answer.status !== 200) throw await this.#refused(answer, realm);
    return this.#read(await readBody(answer, realm, mostTokenBytes), realm);
  }

  #realm(text: string): URL {
    const realm = URL.canParse(text) ? new URL(text) : undefined;
    const isUsable = realm !== undefined && (realm.protocol === 'https:' || realm.protocol === 'http:') && realm.username === '' && realm.password === '';
    const name = printable(this.#place.name, 256);
    if (!isUsable) throw new TsrunError('ERR_TSRUN_REGISTRY', `the registry of '${name}' sends for a token to '${printable(text)}', which is no address`, { hint: 'the registry is set up wrongly' });
    if (!this.#door.isSafe(realm)) {
      throw new TsrunError('ERR_TSRUN_REGISTRY', `the registry of '${name}' sends for a token to ${placeOf(realm)}, in the clear`, { hint: 'what is shown there could be read on the way; allow it for this registry (--tls-verify=false) only on a network that you trust' });
    }
    return realm;
  }

  async #refused(answer: HttpAnswer, realm: URL): Promise<TsrunError> {
    const reason = await reasonOf(answer, realm, this.secrets);
    const isDenied = answer.status === 401 || answer.status === 403;
    const hint = isDenied ? `log in anew with docker login or podman login${await this.story()}` : 'try again later';
    return new TsrunError('ERR_TSRUN_REGISTRY', `no token for '${printable(this.#place.name, 256)}': ${placeOf(realm)} answered ${reason}`, { hint });
  }

  #read(bytes: Buffer, realm: URL): Token {
    let value;
    try {
      value = parseJson(bytes.toString('utf8'), 'token');
    } catch {
      // The reader's message would show a piece of what may be the token.
      throw wrongAnswer(realm, 'the answer to the question for a token is not JSON');
    }
    const fields = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
    const token = [fields['token'], fields['access_token']].find((each) => typeof each === 'string' && each !== '');
    if (typeof token !== 'string') throw wrongAnswer(realm, 'the answer to the question for a token holds none');
    const seconds = fields['expires_in'];
    const lifeMs = typeof seconds === 'number' && seconds > 0 ? Math.min(seconds * 1000, longestLifeMs) : defaultLifeMs;
    return { header: `Bearer ${this.#checked(token, `the token of ${placeOf(realm)}`)}`, expiresAtMs: this.#host.now() + Math.max(lifeMs, 2 * marginMs) };
  }

  /** A token goes into a header: a line break in it would begin another one. */
  #checked(token: string, what: string): string {
    this.secrets.add(token);
    if (!/^[\x21-\x7e]+$/.test(token)) throw new TsrunError('ERR_TSRUN_REGISTRY', `${what} has characters that no token has`, { hint: 'the registry, or who wrote the file, is broken' });
    return token;
  }
}
