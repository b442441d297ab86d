/** One answer of `tsrun doctor`. What is not a plain yes says what it costs and how to change it. */
export type Finding = GoodFinding | LackFinding;

/** A plain yes. */
export interface GoodFinding {
  /** What it is about, in a few words. */
  readonly topic: string;
  /** Nothing to do. */
  readonly ok: 'yes';
  /** One sentence, lower case, no full stop. */
  readonly text: string;
}

/** A no, or a yes with a but. */
export interface LackFinding {
  /** What it is about, in a few words. */
  readonly topic: string;
  /** `partly`: not for everything that could be asked for. */
  readonly ok: 'no' | 'partly';
  /** What is so, in one sentence. */
  readonly text: string;
  /** What cannot be had because of it. */
  readonly cost: string;
  /** How to change it. */
  readonly remedy: string;
  /** A default run fails because of it. */
  readonly blocks?: true;
}

export function good(topic: string, text: string): GoodFinding {
  return { topic, ok: 'yes', text };
}

export function lack(topic: string, ok: LackFinding['ok'], { text, cost, remedy }: Pick<LackFinding, 'text' | 'cost' | 'remedy'>): LackFinding {
  return { topic, ok, text, cost, remedy };
}

/** A lack of what every default run needs. */
export function obstacle(topic: string, details: Pick<LackFinding, 'text' | 'cost' | 'remedy'>, ok: LackFinding['ok'] = 'no'): LackFinding {
  return { ...lack(topic, ok, details), blocks: true };
}
