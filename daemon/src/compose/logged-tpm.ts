/** What the log has of the TPM, for the start: a few entries, found by their kind. */
import {
  decodeEntry,
  extendBase,
  isAnchorEntry,
  leafHash,
  parseAttest,
  type AnchorEntry,
} from '@kudurru/proof';

import { quotedOf } from '../anchor/boot-quote.ts';
import { lastAnchorOf, type LastAnchor } from '../anchor/ports.ts';
import { decodePrepared, type PreparedAnchor } from '../anchor/prepared.ts';
import type { LoggedTpm, QuotedBoot } from '../anchor/start-rule.ts';
import { KudurruError } from '../base/errors.ts';
import { leafIndex, treeSize, type TreeSize } from '../base/units.ts';
import { entryOfKind } from '../ledger/entry-of-kind.ts';
import type { Ledger, StoredRecord } from '../ledger/ledger.ts';
import type { FoundedLedger } from './founding.ts';

export interface Logged {
  readonly logged: LoggedTpm;
  /** Entries that the last counter-anchor covers through the anchor before it. */
  readonly countedSize: TreeSize;
}

interface FoundAnchor {
  readonly entry: AnchorEntry;
  readonly anchor: LastAnchor;
}

export async function readLogged(ledger: Ledger, founded: FoundedLedger): Promise<Logged> {
  const { document, ledgerId, applianceId } = founded;
  const { last, counted, countedSize } = await readAnchors(ledger);
  const [prepared] = (await ledger.records('prepare', { newest: 1 })).map(preparedOf);
  const base = document.extendPublic === null ? null : extendBase(ledgerId);
  return {
    logged: {
      identity: { ledgerId, applianceId },
      counterBase: BigInt(document.counterBase),
      lastAnchor: last?.anchor ?? null,
      extend: (counted === null ? null : certifiedExtend(counted.entry)) ?? base,
      lastBoot: await readLastBoot(ledger, document.pcrIndex),
      prepared: prepared ?? null,
    },
    countedSize,
  };
}

/** The first prepare record of a ledger is its provisioning record. */
function preparedOf({ treeSize: size, bytes }: StoredRecord): PreparedAnchor | null {
  return size === 0n ? null : decodePrepared(bytes);
}

async function readAnchors(ledger: Ledger): Promise<{
  readonly last: FoundAnchor | null;
  readonly counted: FoundAnchor | null;
  readonly countedSize: TreeSize;
}> {
  // The first anchor of a ledger is a counter-anchor.
  const countedIndex = await ledger.lastOfKind('counter-anchor');
  if (countedIndex === null) return { last: null, counted: null, countedSize: treeSize(0n) };
  const counted = await readAnchor(ledger, countedIndex);
  const previousIndex = counted.entry.previousAnchorIndex;
  const previous = previousIndex === null ? null : await readAnchor(ledger, previousIndex);
  const plainIndex = await ledger.lastOfKind('anchor');
  const last =
    plainIndex !== null && plainIndex > countedIndex
      ? await readAnchor(ledger, plainIndex)
      : counted;
  return { last, counted, countedSize: previous?.anchor.size ?? treeSize(0n) };
}

async function readAnchor(ledger: Ledger, index: bigint): Promise<FoundAnchor> {
  const place = leafIndex(index);
  const bytes = await ledger.readEntry(place);
  const entry = decodeEntry(bytes);
  if (!isAnchorEntry(entry)) {
    throw new KudurruError('ledger-failed', `entry ${index} is "${entry.kind}", not an anchor`);
  }
  return { entry, anchor: lastAnchorOf({ index: place, leafHash: leafHash(bytes) }, entry) };
}

function certifiedExtend({ extend }: AnchorEntry): Uint8Array | null {
  if (extend === null) return null;
  const { attested } = parseAttest(extend.attest);
  return attested.type === 'nv' ? attested.contents : null;
}

async function readLastBoot(ledger: Ledger, anchorPcr: number | null): Promise<QuotedBoot | null> {
  const index = await ledger.lastOfKind('boot');
  if (index === null) return null;
  const { bootQuote } = entryOfKind(await ledger.readEntry(index), 'boot', index);
  return bootQuote === null ? null : quotedOf(bootQuote, anchorPcr);
}
