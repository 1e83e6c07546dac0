/** What the search index led to is not what it said. */
import { KudurruError } from '../base/errors.ts';

export function contradiction(why: string): KudurruError {
  return new KudurruError('index-contradicts', `search index contradicts the ledger: ${why}`);
}
