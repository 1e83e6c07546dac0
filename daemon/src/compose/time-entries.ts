/** Time evidence in the log: its raw part as a private body, and the last under a profile. */
import { decodeAnyTimeEvidence, decodeEntry } from '@kudurru/proof';

import type { LeafIndex } from '../base/units.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SystemBody } from '../ledger/system-entry.ts';
import type { InForce } from '../time/timekeeper.ts';

/** Of SPEC.md §3, field 34. */
export function rawBodies(rawEvidence: Uint8Array | null): SystemBody[] {
  if (rawEvidence === null) return [];
  return [{ field: 'rawTimeEvidence', bytes: rawEvidence, mediaType: null }];
}

/** The evidence that was taken last under the profile; null before the first. */
export async function lastEvidence(
  ledger: Pick<Ledger, 'lastOfKind' | 'readEntry'>,
  profileIndex: LeafIndex,
): Promise<InForce | null> {
  const found: (InForce & { readonly bootIndex: bigint })[] = [];
  for (const kind of ['time-evidence', 'anchor', 'counter-anchor'] as const) {
    const index = await ledger.lastOfKind(kind);
    if (index === null || index < profileIndex) continue;
    const entry = decodeEntry(await ledger.readEntry(index));
    if (!('evidence' in entry)) continue;
    const told = decodeAnyTimeEvidence(entry.evidence);
    if (told.version !== 2 || told.profileIndex !== profileIndex) continue;
    found.push({ evidenceIndex: index, told, bootIndex: entry.time.bootIndex });
  }
  const newest = found.reduce((most, { bootIndex }) => (bootIndex > most ? bootIndex : most), 0n);
  const ofOneRun = found.filter(({ bootIndex }) => bootIndex === newest);
  return ofOneRun.toSorted((a, b) => (a.told.takenRawNs < b.told.takenRawNs ? 1 : -1))[0] ?? null;
}
