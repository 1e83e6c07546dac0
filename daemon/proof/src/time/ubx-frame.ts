/**
 * The frame of u-blox's binary protocol: `B5 62`, class, id, length (little-endian), payload, and
 * a Fletcher checksum of two bytes over class to payload. What parses encodes back to the same
 * bytes.
 */
import { concatBytes, viewOf } from '../bytes.ts';
import { ProofError } from '../proof-error.ts';

/** First bytes of every frame. */
export const UBX_SYNC_1 = 0xb5;
export const UBX_SYNC_2 = 0x62;

/** Sync, class, id and length before the payload; the checksum after it. */
export const UBX_HEADER_SIZE_BYTES = 6;
export const UBX_OVERHEAD_SIZE_BYTES = 8;

/**
 * The length field could say 65,535. The longest periodic message is NAV-SIG at 8 + 16 bytes a
 * signal, of at most 255 signals.
 */
export const UBX_PAYLOAD_SIZE_BYTES_MAX = 4096;

export interface UbxFrame {
  /** 0 to 255. */
  readonly messageClass: number;
  readonly messageId: number;
  readonly payload: Uint8Array;
}

/**
 * One whole frame and nothing else.
 * @throws ProofError `gnss-malformed`; `limit-exceeded` above UBX_PAYLOAD_SIZE_BYTES_MAX
 */
export function parseUbxFrame(bytes: Uint8Array): UbxFrame {
  if (bytes.length < UBX_OVERHEAD_SIZE_BYTES) throw malformed('cut off');
  const view = viewOf(bytes);
  const [messageClass, messageId] = [view.getUint8(2), view.getUint8(3)];
  if (view.getUint8(0) !== UBX_SYNC_1 || view.getUint8(1) !== UBX_SYNC_2) {
    throw malformed('does not begin with b5 62');
  }
  const length = view.getUint16(4, true);
  requireSize(length);
  if (bytes.length !== length + UBX_OVERHEAD_SIZE_BYTES) {
    throw malformed(`${bytes.length} bytes hold no payload of exactly ${length}`);
  }
  const end = UBX_HEADER_SIZE_BYTES + length;
  if (view.getUint16(end) !== ubxChecksum(bytes.subarray(2, end)))
    throw malformed('wrong checksum');
  return { messageClass, messageId, payload: bytes.subarray(UBX_HEADER_SIZE_BYTES, end) };
}

/** @throws ProofError `limit-exceeded` above UBX_PAYLOAD_SIZE_BYTES_MAX */
export function encodeUbxFrame({ messageClass, messageId, payload }: UbxFrame): Uint8Array {
  requireSize(payload.length);
  const size = [payload.length & 0xff, payload.length >> 8];
  const body = concatBytes(Uint8Array.of(messageClass, messageId, ...size), payload);
  const sum = ubxChecksum(body);
  return concatBytes(
    Uint8Array.of(UBX_SYNC_1, UBX_SYNC_2),
    body,
    Uint8Array.of(sum >> 8, sum & 0xff),
  );
}

/** Fletcher's sums over class, id, length and payload; the plain one in the high byte. */
export function ubxChecksum(bytes: Uint8Array): number {
  let [plain, running] = [0, 0];
  for (const byte of bytes) {
    plain = (plain + byte) & 0xff;
    running = (running + plain) & 0xff;
  }
  return (plain << 8) | running;
}

function requireSize(length: number): void {
  if (length <= UBX_PAYLOAD_SIZE_BYTES_MAX) return;
  throw new ProofError(
    'limit-exceeded',
    `ubx: a payload of ${length} bytes, at most ${UBX_PAYLOAD_SIZE_BYTES_MAX} are accepted`,
  );
}

function malformed(reason: string): ProofError {
  return new ProofError('gnss-malformed', `ubx: ${reason}`);
}
