/**
 * Rare calls of the C library, made once at the start: for what no other part of this house has a
 * binding. Never on the way of an entry.
 */
import { close, DataType, load, open } from 'ffi-rs';

const library = 'libc';
const path = 'libc.so.6';

/** `struct timex` of the 64-bit kernel: its size, and where what is read of it stands. */
const timex = { sizeBytes: 208, maxErrorAt: 24, statusAt: 40 } as const;
/** adjtimex(2): nobody steers the clock. */
const STA_UNSYNC = 0x40;
/** prctl(2). */
const PR_SET_DUMPABLE = 4;

export interface ClockSteering {
  /** Whether some service says that it keeps the system's clock to a source of time. */
  readonly isSteered: boolean;
  /** STA_ bits. */
  readonly status: number;
  /** What the kernel says that the clock is wrong by at most; it grows while nobody steers. */
  readonly maxErrorUs: bigint;
}

/** What a call came to: its result, or the reason in the kernel's words. */
export type Called<Result> = { readonly result: Result } | { readonly refused: string };

/** What adjtimex(2) says of CLOCK_REALTIME, without changing it. */
export function readClockSteering(): Called<ClockSteering> {
  // All zeros but what is answered: `modes` is 0.
  const answer = Buffer.alloc(timex.sizeBytes);
  const refused = call('adjtimex', [DataType.U8Array], [answer]);
  if (refused !== null) return { refused };
  const status = answer.readInt32LE(timex.statusAt);
  const maxErrorUs = answer.readBigInt64LE(timex.maxErrorAt);
  return { result: { isSteered: (status & STA_UNSYNC) === 0, status, maxErrorUs } };
}

/**
 * No image of this process's memory is ever written to a disk, and no other process of its user may
 * read it. Its children decide for themselves.
 */
export function refuseDumps(): Called<true> {
  const unsigned = DataType.U64;
  const types = [DataType.I32, unsigned, unsigned, unsigned, unsigned];
  const refused = call('prctl', types, [PR_SET_DUMPABLE, 0, 0, 0, 0]);
  return refused === null ? { result: true } : { refused };
}

/** Null, or why it failed: below zero is a failure in all calls that are made here. */
function call(name: string, types: DataType[], values: unknown[]): string | null {
  open({ library, path });
  try {
    const { value, errnoMessage } = load({
      ...{ library, funcName: name, errno: true as const },
      ...{ retType: DataType.I32, paramsType: types, paramsValue: values },
    });
    return value < 0 ? `${name}: ${errnoMessage}` : null;
  } finally {
    close(library);
  }
}
