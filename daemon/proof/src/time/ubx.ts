/**
 * One UBX message: what this appliance reads of a u-blox receiver, decoded; every other message as
 * its class, id and payload. Strict in length and version, open in reserved bits.
 */
import type { SecSig, SecUniqId, MonHw, MonRf } from './ubx-monitoring.ts';
import { readMonHw, readMonRf, readSecSig, readSecUniqId } from './ubx-monitoring.ts';
import type { UbxFrame } from './ubx-frame.ts';
import { parseUbxFrame } from './ubx-frame.ts';
import type { NavPvt, NavStatus, NavTimeLs, NavTimeUtc, TimTp } from './ubx-navigation.ts';
import {
  readNavPvt,
  readNavStatus,
  readNavTimeLs,
  readNavTimeUtc,
  readTimTp,
} from './ubx-navigation.ts';

/** A message of another class or id, as it came. */
export interface OtherUbx extends UbxFrame {
  readonly kind: 'other-ubx';
}

export type DecodedUbx =
  NavPvt | NavTimeUtc | NavTimeLs | NavStatus | TimTp | MonHw | MonRf | SecSig | SecUniqId;
export type UbxMessage = DecodedUbx | OtherUbx;

/** Class and id of each message that is decoded. */
export const UBX_IDS: Readonly<Record<DecodedUbx['kind'], readonly [number, number]>> = {
  'nav-status': [0x01, 0x03],
  'nav-pvt': [0x01, 0x07],
  'nav-timeutc': [0x01, 0x21],
  'nav-timels': [0x01, 0x26],
  'mon-hw': [0x0a, 0x09],
  'mon-rf': [0x0a, 0x38],
  'tim-tp': [0x0d, 0x01],
  'sec-uniqid': [0x27, 0x03],
  'sec-sig': [0x27, 0x09],
};

const READERS: Readonly<Record<DecodedUbx['kind'], (payload: Uint8Array) => DecodedUbx>> = {
  'nav-status': readNavStatus,
  'nav-pvt': readNavPvt,
  'nav-timeutc': readNavTimeUtc,
  'nav-timels': readNavTimeLs,
  'mon-hw': readMonHw,
  'mon-rf': readMonRf,
  'tim-tp': readTimTp,
  'sec-uniqid': readSecUniqId,
  'sec-sig': readSecSig,
};

const readerOf = new Map(
  Object.entries(UBX_IDS).map(([kind, [messageClass, messageId]]) => [
    (messageClass << 8) | messageId,
    READERS[kind as DecodedUbx['kind']],
  ]),
);

/**
 * One whole frame. An empty payload of a message that is decoded is a request for it (a poll), and
 * is given as `other-ubx`.
 * @throws ProofError `gnss-malformed`, `limit-exceeded`
 */
export function parseUbx(bytes: Uint8Array): UbxMessage {
  const frame = parseUbxFrame(bytes);
  const read = readerOf.get((frame.messageClass << 8) | frame.messageId);
  if (read === undefined || frame.payload.length === 0) return { kind: 'other-ubx', ...frame };
  return read(frame.payload);
}
