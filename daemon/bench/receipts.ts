/** The receipts that the load generator wrote: records of 96 bytes, integers big-endian. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { randomInt } from 'node:crypto';

export interface KeptReceipt {
  readonly connection: number;
  /** Actions of the submission. */
  readonly count: number;
  readonly firstSequence: bigint;
  readonly firstIndex: bigint;
  readonly treeSize: bigint;
  readonly root: Uint8Array;
  /** SHA-256 of the COSE_Sign1 that was sent. */
  readonly statementHash: Uint8Array;
}

const recordBytes = 96;

/** So many receipts of all files, drawn at random, none twice; all where there are no more. */
export function drawReceipts(files: readonly string[], count: number): KeptReceipt[] {
  const sizes = files.map((file) => statSync(file).size / recordBytes);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const drawn = new Set<number>();
  while (drawn.size < Math.min(count, total)) drawn.add(randomInt(total));
  let first = 0;
  return files.flatMap((file, i) => {
    const size = sizes[i] ?? 0;
    const places = [...drawn].map((place) => place - first);
    first += size;
    return readReceipts(
      file,
      places.filter((place) => place >= 0 && place < size),
    );
  });
}

function readReceipts(file: string, places: readonly number[]): KeptReceipt[] {
  const descriptor = openSync(file, 'r');
  try {
    return places.map((place) => {
      const record = Buffer.alloc(recordBytes);
      const size = readSync(descriptor, record, 0, recordBytes, place * recordBytes);
      if (size !== recordBytes) throw new Error(`"${file}" ends inside a receipt`);
      return {
        connection: record.readUInt32BE(0),
        count: record.readUInt32BE(4),
        firstSequence: record.readBigUInt64BE(8),
        firstIndex: record.readBigUInt64BE(16),
        treeSize: record.readBigUInt64BE(24),
        root: new Uint8Array(record.subarray(32, 64)),
        statementHash: new Uint8Array(record.subarray(64, 96)),
      };
    });
  } finally {
    closeSync(descriptor);
  }
}
