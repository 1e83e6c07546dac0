// Checks a state folder from its bytes on disk alone; needs no open ledger, and changes nothing
// but, where that is asked for, tile files that are wrong.
import { checkBytes } from './arguments.ts';
import type { JournalPosition } from './ledger-types.ts';
import { nativePart } from './load.ts';

export interface FsckOptions {
  /** Bodies, signatures and tiles of entries before this index are passed over; 0 by default. */
  readonly from?: bigint;
  /** Of the published checkpoint, whose tiles must be there; of no entries by default. */
  readonly published?: { readonly size: bigint; readonly root: Uint8Array };
  /** Where an earlier check ended: the log must still have this root there. */
  readonly resumed?: { readonly size: bigint; readonly root: Uint8Array };
  /** Bodies against their commitments; true by default. */
  readonly bodies?: boolean;
  /** Signatures of statements; true by default. */
  readonly signatures?: boolean;
  /** Writes wrong tile files anew; false by default. Nobody else may have the folder then. */
  readonly repairsTiles?: boolean;
  /** Keys by scope; bodies of other scopes are checked sealed, as far as that goes. */
  readonly scopeKeys?: ReadonlyMap<string, Uint8Array>;
}

/** What is wrong, and where. */
export interface FsckFinding {
  /** `rebuildable` is damage of a file that is made again from others. */
  readonly weight: 'damage' | 'rebuildable';
  readonly code: string;
  /** Relative to the state folder. */
  readonly file: string;
  readonly offset: bigint;
  readonly record: bigint | null;
  readonly entry: bigint | null;
  readonly message: string;
}

/** For whoever knows the signatures of log key and TPM. */
export interface FsckEvidence {
  /** Else a record. */
  readonly isEntry: boolean;
  /** The entry's kind or the record's type. */
  readonly number: number;
  readonly file: string;
  readonly offset: bigint;
  readonly record: bigint;
  /** Of an entry. */
  readonly index: bigint;
  readonly leafHash: Uint8Array;
  /** When the record was written; for an entry, with it. */
  readonly treeSize: bigint;
  /** Of a checkpoint: root of the tree of its size as the entries give it; null where unknown. */
  readonly root: Uint8Array | null;
  /** Of an anchor: root over the agents' heads in its tree; null where unknown. */
  readonly agentHeadsRoot: Uint8Array | null;
  readonly bytes: Uint8Array;
}

export interface FsckReport {
  readonly ledgerId: Uint8Array;
  /** The log is whole up to here; `root` is of that tree. */
  readonly size: bigint;
  readonly root: Uint8Array;
  /** As far as all checks are done: another check may go on from here. */
  readonly settled: { readonly size: bigint; readonly root: Uint8Array };
  /** The same, where damage was bridged by published entries. */
  readonly sizeChecked: bigint;
  /** Entries read from published bundles because their record is damaged. */
  readonly recovered: bigint;
  /** Whole entries behind damage that nothing bridges. */
  readonly laterEntries: bigint;
  readonly records: bigint;
  readonly bodies: bigint;
  readonly bodiesOpened: bigint;
  /** Of entries whose segments were retired: not here. */
  readonly bodiesRetired: bigint;
  /** Entries of retired segments, checked from their published bundles. */
  readonly retiredEntries: bigint;
  readonly signatures: bigint;
  /** Files of tiles that were compared. */
  readonly tiles: bigint;
  readonly tilesRepaired: bigint;
  /** Behind the last record: a write that was cut off, never acknowledged. */
  readonly tornBytes: bigint;
  readonly stoppedCleanly: boolean;
  readonly bytesDone: bigint;
  readonly bytesTotal: bigint;
  /** Behind the last whole record. */
  readonly end: JournalPosition;
  readonly isComplete: boolean;
  readonly findings: {
    /** The first 256. */
    readonly list: readonly FsckFinding[];
    readonly damages: bigint;
    readonly rebuildables: bigint;
  };
}

/** A report so far, and what came up since the one before. */
export interface FsckStep extends FsckReport {
  readonly evidence: readonly FsckEvidence[];
}

interface NativeScan {
  run(): Promise<FsckStep>;
}
interface FsckPart {
  readonly FsckScan: new (options: object) => NativeScan;
}

const native = nativePart<FsckPart>();
const keySizeBytes = 32;
const hashSizeBytes = 32;
const nothing = { size: 0n, root: new Uint8Array(hashSizeBytes) };

/** A check under way. Whoever stops calling `run` stops it. */
export class FsckScan {
  readonly #native: NativeScan;

  constructor(folder: string, options: FsckOptions = {}) {
    if (typeof folder !== 'string') throw new TypeError('folder is not a string');
    const { from = 0n, published = nothing, resumed = nothing } = options;
    const { scopeKeys = new Map<string, Uint8Array>() } = options;
    for (const [name, value] of Object.entries({
      from,
      size: published.size,
      resumed: resumed.size,
    })) {
      if (typeof value !== 'bigint' || value < 0n) throw new RangeError(`${name} is not an index`);
    }
    checkBytes(published.root, 'published root', hashSizeBytes);
    checkBytes(resumed.root, 'resumed root', hashSizeBytes);
    for (const [scope, key] of scopeKeys) checkBytes(key, `key of scope "${scope}"`, keySizeBytes);
    const { bodies = true, signatures = true, repairsTiles = false } = options;
    this.#native = new native.FsckScan({
      ...{ folder, from, published, resumed, bodies, signatures, repairsTiles },
      scopeKeys: [...scopeKeys],
    });
  }

  /**
   * Goes on for about a tenth of a second, on all cores; complete when the report says so.
   * @throws NativeError `ledger`: not-found where there is no journal, state-folder-unusable,
   *   journal-io-failed
   */
  run(): Promise<FsckStep> {
    return this.#native.run();
  }
}

/** The whole check. @throws NativeError, as `run` */
export async function fsckScan(folder: string, options: FsckOptions = {}): Promise<FsckReport> {
  const scan = new FsckScan(folder, options);
  let report = await scan.run();
  while (!report.isComplete) report = await scan.run();
  return report;
}
