/** What the log has of the TPM, for the start: a few entries, found by their kind. */
import {
  decodeEntry,
  decodeOperatorOrder,
  decodeRestoration,
  extendBase,
  isAnchorEntry,
  leafHash,
  parseAttest,
  pcrDigest,
  type AnchorEntry,
} from '@kudurru/proof';

import { quotedOf } from '../anchor/boot-quote.ts';
import { lastAnchorOf, type LastAnchor } from '../anchor/ports.ts';
import { decodePrepared, type PreparedAnchor } from '../anchor/prepared.ts';
import type { LoggedTpm, QuotedBoot } from '../anchor/start-rule.ts';
import { KudurruError } from '../base/errors.ts';
import { leafIndex, treeSize, type TreeSize } from '../base/units.ts';
import { entryOfKind } from '../ledger/entry-of-kind.ts';
import type { LedgerStore, StoredRecord } from '../ledger/store.ts';
import type { FoundedLedger } from './founding.ts';

/** What of the ledger is read here: of a running one, or of one that is only open. */
export type LogReader = Pick<LedgerStore, 'lastOfKind' | 'readEntry' | 'records'>;

export interface Logged {
  readonly logged: LoggedTpm;
  /** Entries that the last counter-anchor covers through the anchor before it. */
  readonly countedSize: TreeSize;
}

interface FoundAnchor {
  readonly entry: AnchorEntry;
  readonly anchor: LastAnchor;
}

export async function readLogged(ledger: LogReader, founded: FoundedLedger): Promise<Logged> {
  const { document, ledgerId, applianceId } = founded;
  const { last, counted, countedSize } = await readAnchors(ledger);
  const [prepared] = (await ledger.records('prepare', { newest: 1 })).map(preparedOf);
  const base = document.extendPublic === null ? null : extendBase(ledgerId);
  const logged: LoggedTpm = {
    identity: { ledgerId, applianceId },
    counterBase: BigInt(document.counterBase),
    lastAnchor: last?.anchor ?? null,
    extend: (counted === null ? null : certifiedExtend(counted.entry)) ?? base,
    lastBoot: await readLastBoot(ledger, document.pcrIndex),
    prepared: prepared ?? null,
  };
  return { logged: await withRestoration(ledger, logged), countedSize };
}

/**
 * Where operators ordered to go on from what the TPM showed, and no anchor followed yet: their
 * order stands in the place of the last anchor, and what was under way before it never ends.
 */
async function withRestoration(ledger: LogReader, logged: LoggedTpm): Promise<LoggedTpm> {
  const index = await ledger.lastOfKind('restore');
  if (index === null || index < (logged.lastAnchor?.index ?? 0n)) return logged;
  const bytes = await ledger.readEntry(index);
  const { order } = entryOfKind(bytes, 'restore', index);
  const restoration = decodeRestoration(decodeOperatorOrder(order).payload);
  const { found, nextAnchorSequence, anchoredSize } = restoration;
  const { resetCount, restartCount, clockMs } = found;
  const boot = await ledger.lastOfKind('boot');
  const follows = logged.prepared?.plan.previousAnchorIndex === index;
  return {
    ...logged,
    lastAnchor: {
      index,
      leafHash: leafHash(bytes),
      anchorSequence: nextAnchorSequence - 1n,
      size: treeSize(anchoredSize),
      counterExpected: found.counter,
      moment: { resetCount, restartCount, clockMs, safe: false },
      pcrDigest: found.pcr === null ? null : pcrDigest([found.pcr]),
    },
    extend: found.extend,
    lastBoot: boot !== null && boot > index ? logged.lastBoot : null,
    prepared: follows ? logged.prepared : null,
  };
}

/** The first prepare record of a ledger is its provisioning record. */
function preparedOf({ treeSize: size, bytes }: StoredRecord): PreparedAnchor | null {
  return size === 0n ? null : decodePrepared(bytes);
}

async function readAnchors(ledger: LogReader): Promise<{
  readonly last: FoundAnchor | null;
  readonly counted: FoundAnchor | null;
  readonly countedSize: TreeSize;
}> {
  // The first anchor of a ledger is a counter-anchor.
  const countedIndex = await ledger.lastOfKind('counter-anchor');
  if (countedIndex === null) return { last: null, counted: null, countedSize: treeSize(0n) };
  const counted = await readAnchor(ledger, countedIndex);
  const previousIndex = counted.entry.previousAnchorIndex;
  const previousSize = previousIndex === null ? 0n : await anchoredSizeAt(ledger, previousIndex);
  const plainIndex = await ledger.lastOfKind('anchor');
  const last =
    plainIndex !== null && plainIndex > countedIndex
      ? await readAnchor(ledger, plainIndex)
      : counted;
  return { last, counted, countedSize: treeSize(previousSize) };
}

/** Entries that the anchor, or the restore entry in its place, says that anchors cover. */
async function anchoredSizeAt(ledger: LogReader, index: bigint): Promise<bigint> {
  const place = leafIndex(index);
  const entry = decodeEntry(await ledger.readEntry(place));
  if (entry.kind !== 'restore') return (await readAnchor(ledger, index)).anchor.size;
  return decodeRestoration(decodeOperatorOrder(entry.order).payload).anchoredSize;
}

async function readAnchor(ledger: LogReader, index: bigint): Promise<FoundAnchor> {
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

async function readLastBoot(
  ledger: LogReader,
  anchorPcr: number | null,
): Promise<QuotedBoot | null> {
  const index = await ledger.lastOfKind('boot');
  if (index === null) return null;
  const { bootQuote } = entryOfKind(await ledger.readEntry(index), 'boot', index);
  return bootQuote === null ? null : quotedOf(bootQuote, anchorPcr);
}
