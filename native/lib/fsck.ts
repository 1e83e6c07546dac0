// Checks a state folder from its bytes on disk alone; needs no open ledger, and changes nothing.
import { checkBytes } from './arguments.ts';
import type { JournalPosition } from './ledger-types.ts';
import { nativePart } from './load.ts';

export interface FsckOptions {
  /** Bodies and tiles of entries before this index are passed over; 0 by default. */
  readonly from?: bigint;
  /** Keys by scope; bodies of other scopes are checked sealed, as far as that goes. */
  readonly scopeKeys?: ReadonlyMap<string, Uint8Array>;
  readonly onProgress?: (progress: FsckProgress) => void;
}

export interface FsckProgress {
  readonly entries: bigint;
  readonly bytesDone: bigint;
  readonly bytesTotal: bigint;
}

export interface FsckReport {
  /** The first damage; null where there is none. All before it is whole. */
  readonly finding: { readonly code: string; readonly message: string } | null;
  readonly ledgerId: Uint8Array;
  /** Of the tree of all that is whole. */
  readonly size: bigint;
  readonly root: Uint8Array;
  readonly records: bigint;
  readonly bodies: bigint;
  readonly bodiesOpened: bigint;
  /** Full tiles and entry bundles on disk that were compared; the wrong ones can be made again. */
  readonly tiles: bigint;
  readonly wrongTiles: readonly string[];
  /** Behind the last record: a write that was never acknowledged. */
  readonly tornBytes: bigint;
  readonly stoppedCleanly: boolean;
  readonly isComplete: boolean;
  /** Where the scan ended. */
  readonly stoppedAt: JournalPosition;
}

interface FsckPart {
  fsckScan(
    folder: string,
    from: bigint,
    scopeKeys: readonly (readonly [string, Uint8Array])[],
    onProgress: (progress: FsckProgress) => void,
  ): Promise<FsckReport>;
}

const native = nativePart<FsckPart>();
const keySizeBytes = 32;

/**
 * @throws NativeError `ledger`: not-found where there is no journal, state-folder-unusable,
 *   journal-io-failed
 */
export function fsckScan(folder: string, options: FsckOptions = {}): Promise<FsckReport> {
  if (typeof folder !== 'string') throw new TypeError('folder is not a string');
  const { from = 0n, scopeKeys = new Map(), onProgress = () => {} } = options;
  if (typeof from !== 'bigint' || from < 0n) throw new RangeError('from is not an index');
  for (const [scope, key] of scopeKeys) checkBytes(key, `key of scope "${scope}"`, keySizeBytes);
  return native.fsckScan(folder, from, [...scopeKeys], onProgress);
}
