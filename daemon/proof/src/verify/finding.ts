/**
 * What a check may find. A check returns the sentence of its success and throws a `Finding` for
 * everything else; so that a check reads from top to bottom as what must hold.
 */
export const QUESTIONS = ['who', 'what', 'when', 'rules', 'order'] as const;
/** The five questions that a bundle answers. */
export type Question = (typeof QUESTIONS)[number];

/**
 * `fail`: contradicted by the evidence. `unverifiable`: cannot be checked, or less than the policy
 * asks. `skipped`: there is nothing of the kind to check.
 */
export type Outcome = 'pass' | 'fail' | 'unverifiable' | 'skipped';

export class Finding extends Error {
  readonly outcome: Exclude<Outcome, 'pass'>;

  constructor(outcome: Exclude<Outcome, 'pass'>, text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = 'Finding';
    this.outcome = outcome;
  }
}

export function failed(text: string, cause?: unknown): Finding {
  return new Finding('fail', text, { cause });
}

export function unverifiable(text: string): Finding {
  return new Finding('unverifiable', text);
}

export function skipped(text: string): Finding {
  return new Finding('skipped', text);
}

/** Throws the finding `fail` unless `holds`. */
export function mustHold(holds: boolean, text: string): asserts holds {
  if (!holds) throw failed(text);
}
