/** One answer of `tsrun doctor`. What is not a plain yes says what it costs and how to change it. */
export type Finding = GoodFinding | LackFinding;

export interface GoodFinding {
  readonly topic: string;
  readonly ok: 'yes';
  readonly text: string;
}

export interface LackFinding {
  readonly topic: string;
  readonly ok: 'no' | 'partly';
  readonly text: string;
  readonly cost: string;
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
