/** A place in the journal, and damage there. */
import type { Finding } from '../finding.ts';
import { segmentName } from './segment.ts';

export interface Position {
  readonly segment: number;
  readonly offset: number;
  readonly record: bigint;
}

export function damageAt(place: Position, code: string, message: string): Finding {
  const file = `journal/${segmentName(place.segment)}`;
  const { record } = place;
  const offset = BigInt(place.offset);
  return { weight: 'damage', code, file, offset, record, entry: null, message };
}
