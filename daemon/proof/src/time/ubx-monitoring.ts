/** UBX messages on the receiver itself: MON-HW, MON-RF, SEC-SIG (both versions), SEC-UNIQID. */
import { bit, bits, UbxReader } from './ubx-reader.ts';

/** Receivers of today have two bands; the message could say 255. */
export const UBX_RF_BLOCKS_MAX = 16;
export const UBX_JAMMED_FREQUENCIES_MAX = 64;

/** What one receiver input sees. */
export interface RadioState {
  /** 0 unknown, 1 none significant, 2 interference but a fix, 3 critical. */
  readonly jammingState: number;
  /** 0 initialising, 1 unknown, 2 good, 3 short, 4 open. */
  readonly antennaStatus: number;
  readonly antennaPower: number;
  readonly noisePerMs: number;
  readonly gainCount: number;
  /** 0 to 255: continuous-wave interference. */
  readonly jammingIndicator: number;
}

export interface MonHw extends RadioState {
  readonly kind: 'mon-hw';
}

export interface MonRf {
  readonly kind: 'mon-rf';
  readonly blocks: readonly (RadioState & { readonly blockId: number })[];
}

/** The signal security verdicts of the receiver. */
export interface SecSig {
  readonly kind: 'sec-sig';
  readonly version: 1 | 2;
  readonly isJammingMonitored: boolean;
  /** 0 unknown, 1 none, 2 indicated, 3 critical. */
  readonly jammingState: number;
  readonly isSpoofingMonitored: boolean;
  /** 0 unknown, 1 none, 2 indicated, 3 affirmed. */
  readonly spoofingState: number;
  /** Version 2: centres of what was looked at. */
  readonly frequencies: readonly { readonly centreKhz: number; readonly isJammed: boolean }[];
}

export interface SecUniqId {
  readonly kind: 'sec-uniqid';
  readonly version: 1 | 2;
  /** 5 bytes in version 1, 6 in version 2. */
  readonly uniqueId: Uint8Array;
}

export function readMonHw(payload: Uint8Array): MonHw {
  const reader = new UbxReader('mon-hw', payload);
  reader.skip(16); // pins
  const [noisePerMs, gainCount] = [reader.u16(), reader.u16()];
  const [antennaStatus, antennaPower, flags] = [reader.u8(), reader.u8(), reader.u8()];
  reader.skip(22);
  const jammingIndicator = reader.u8();
  reader.skip(14);
  reader.end();
  const jammingState = bits(flags, 2, 2);
  return {
    kind: 'mon-hw',
    jammingState,
    antennaStatus,
    antennaPower,
    noisePerMs,
    gainCount,
    jammingIndicator,
  };
}

export function readMonRf(payload: Uint8Array): MonRf {
  const reader = new UbxReader('mon-rf', payload);
  const [version, count] = [reader.u8(), reader.u8()];
  if (version !== 0) throw reader.malformed(`version ${version}`);
  if (count > UBX_RF_BLOCKS_MAX) throw reader.malformed(`${count} blocks`);
  reader.skip(2);
  const blocks = Array.from({ length: count }, () => {
    const [blockId, flags] = [reader.u8(), reader.u8()];
    const [antennaStatus, antennaPower] = [reader.u8(), reader.u8()];
    reader.skip(8); // self-test result
    const [noisePerMs, gainCount, jammingIndicator] = [reader.u16(), reader.u16(), reader.u8()];
    reader.skip(7); // offsets and magnitudes of the two phases
    const jammingState = bits(flags, 0, 2);
    const antenna = { antennaStatus, antennaPower };
    return { blockId, jammingState, ...antenna, noisePerMs, gainCount, jammingIndicator };
  });
  reader.end();
  return { kind: 'mon-rf', blocks };
}

export function readSecSig(payload: Uint8Array): SecSig {
  const reader = new UbxReader('sec-sig', payload);
  const version = reader.u8();
  const found = version === 1 ? readSecSig1(reader) : version === 2 ? readSecSig2(reader) : null;
  if (found === null) throw reader.malformed(`version ${version}`);
  reader.end();
  if (found.spoofingState > 3) throw reader.malformed(`spoofing state ${found.spoofingState}`);
  return found;
}

function readSecSig1(reader: UbxReader): SecSig {
  reader.skip(3);
  const jamming = reader.u8();
  reader.skip(3);
  const spoofing = reader.u8();
  reader.skip(3);
  return {
    kind: 'sec-sig',
    version: 1,
    isJammingMonitored: bit(jamming, 0),
    jammingState: bits(jamming, 1, 2),
    isSpoofingMonitored: bit(spoofing, 0),
    spoofingState: bits(spoofing, 1, 3),
    frequencies: [],
  };
}

function readSecSig2(reader: UbxReader): SecSig {
  const flags = reader.u8();
  reader.skip(1);
  const count = reader.u8();
  if (count > UBX_JAMMED_FREQUENCIES_MAX) throw reader.malformed(`${count} frequencies`);
  const frequencies = Array.from({ length: count }, () => {
    const word = reader.u32();
    return { centreKhz: bits(word, 0, 24), isJammed: bit(word, 24) };
  });
  return {
    kind: 'sec-sig',
    version: 2,
    isJammingMonitored: bit(flags, 0),
    jammingState: bits(flags, 1, 2),
    isSpoofingMonitored: bit(flags, 3),
    spoofingState: bits(flags, 4, 3),
    frequencies,
  };
}

export function readSecUniqId(payload: Uint8Array): SecUniqId {
  const reader = new UbxReader('sec-uniqid', payload);
  const version = reader.u8();
  if (version !== 1 && version !== 2) throw reader.malformed(`version ${version}`);
  reader.skip(3);
  const uniqueId = reader.bytes(version === 1 ? 5 : 6);
  reader.end();
  return { kind: 'sec-uniqid', version, uniqueId };
}
