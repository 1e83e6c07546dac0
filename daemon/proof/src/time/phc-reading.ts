/**
 * How a network card's clock was read (SPEC.md §9.4): bytes of a `phc-bracket` frame. Which of the
 * driver's ways it was tells what its bracket is worth.
 */
import type { ShapeType } from '../schema.ts';
import { constant, decodeWith, encodeWith, names, nanoseconds, Place, record } from '../schema.ts';

/** From best to worst: PTP_SYS_OFFSET_PRECISE, _EXTENDED, and the plain call. */
export const PHC_RUNGS = ['precise', 'extended', 'plain'] as const;
/** The clock of the kernel that the card's was read between. */
export const PHC_SYSTEM_CLOCKS = ['monotonic-raw', 'realtime'] as const;

const shape = {
  version: constant(1),
  rung: names(1, PHC_RUNGS),
  systemClock: names(1, PHC_SYSTEM_CLOCKS),
  /** By that clock. */
  systemBeforeNs: nanoseconds,
  systemAfterNs: nanoseconds,
};
const codec = record(shape);
const place = new Place('time-malformed', 'phc reading');

export type PhcWay = Omit<ShapeType<typeof shape>, 'version'>;

/** @throws ProofError `time-malformed` */
export function encodePhcWay(way: PhcWay): Uint8Array {
  return encodeWith(codec, { version: 1, ...way }, place);
}

/** @throws ProofError `time-malformed`, `cbor-malformed` */
export function decodePhcWay(encoded: Uint8Array): PhcWay {
  const { version: _, ...way } = decodeWith(codec, encoded, place);
  return way;
}
