/** What the search index led to is not what it said. */
import { KudurruError } from '../base/errors.ts';
import type { LeafIndex } from '../base/units.ts';

export class Contradiction extends KudurruError {
  /** Entry that a file of the index gave wrongly; null where it cannot be told. */
  readonly index: LeafIndex | null;

  constructor(why: string, index: LeafIndex | null) {
    super('index-contradicts', `search index contradicts the ledger: ${why}`);
    this.index = index;
  }
}

export function contradiction(why: string, index: LeafIndex | null = null): Contradiction {
  return new Contradiction(why, index);
}
