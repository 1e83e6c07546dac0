/** What of time evidence becomes private bodies of its entry (SPEC.md §3, field 34). */
import type { SystemBody } from '../ledger/system-entry.ts';

export function rawBodies(rawEvidence: Uint8Array | null): SystemBody[] {
  if (rawEvidence === null) return [];
  return [{ field: 'rawTimeEvidence', bytes: rawEvidence, mediaType: null }];
}
