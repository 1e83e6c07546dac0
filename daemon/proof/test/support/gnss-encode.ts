/**
 * What a GNSS receiver writes: the inverse of the parsers, for their tests and for the scripted
 * receiver of the drills.
 */
import { encodeUtf8 } from '../../src/bytes.ts';
import { checksumOf } from '../../src/time/nmea-fields.ts';
import { encodeUbxFrame } from '../../src/time/ubx-frame.ts';
import type { MonHw, MonRf, RadioState, SecSig, SecUniqId } from '../../src/time/ubx-monitoring.ts';
import type {
  NavPvt,
  NavStatus,
  NavTimeLs,
  NavTimeUtc,
  TimTp,
  UbxUtc,
} from '../../src/time/ubx-navigation.ts';
import { UBX_IDS } from '../../src/time/ubx.ts';
import type { DecodedUbx } from '../../src/time/ubx.ts';

/** `$`, `text`, its checksum, CR LF. */
export function nmeaSentence(text: string): Uint8Array {
  return encodeUtf8(`$${text}*${checksumOf(text)}\r\n`);
}

/** A whole frame of `message`; reserved bits are zero. */
export function encodeUbx(message: DecodedUbx): Uint8Array {
  const [messageClass, messageId] = UBX_IDS[message.kind];
  const write = WRITERS[message.kind] as (message: DecodedUbx) => Uint8Array;
  return encodeUbxFrame({ messageClass, messageId, payload: write(message) });
}

/** A poll: the frame of `kind` without a payload. */
export function ubxPoll(kind: DecodedUbx['kind']): Uint8Array {
  const [messageClass, messageId] = UBX_IDS[kind];
  return encodeUbxFrame({ messageClass, messageId, payload: new Uint8Array(0) });
}

type Writer<Kind> = (message: Extract<DecodedUbx, { kind: Kind }>) => Uint8Array;

const WRITERS: { readonly [Kind in DecodedUbx['kind']]: Writer<Kind> } = {
  'nav-pvt': writeNavPvt,
  'nav-timeutc': writeNavTimeUtc,
  'nav-timels': writeNavTimeLs,
  'nav-status': writeNavStatus,
  'tim-tp': writeTimTp,
  'mon-hw': writeMonHw,
  'mon-rf': writeMonRf,
  'sec-sig': writeSecSig,
  'sec-uniqid': writeSecUniqId,
};

function flags(...bits: readonly boolean[]): number {
  return bits.reduce((value, bit, at) => value | (bit ? 1 << at : 0), 0);
}

function payloadOf(size: number, write: (view: DataView) => void): Uint8Array {
  const payload = new Uint8Array(size);
  write(new DataView(payload.buffer));
  return payload;
}

function writeDateTime(view: DataView, at: number, utc: UbxUtc): void {
  view.setUint16(at, utc.year, true);
  for (const [i, value] of [utc.month, utc.day, utc.hour, utc.minute, utc.second].entries()) {
    view.setUint8(at + 2 + i, value);
  }
}

function writeNavPvt(message: NavPvt): Uint8Array {
  return payloadOf(92, (view) => {
    view.setUint32(0, message.timeOfWeekMs, true);
    writeDateTime(view, 4, message.utc);
    view.setUint8(11, flags(message.isDateValid, message.isTimeValid, message.isFullyResolved));
    view.setUint32(12, message.timeAccuracyNs, true);
    view.setInt32(16, message.utc.nanosecond, true);
    view.setUint8(20, message.fixType);
    view.setUint8(21, flags(message.isFixOk));
    const confirms = message.isDateConfirmed !== null;
    const confirmed = flags(confirms, message.isDateConfirmed === true, !!message.isTimeConfirmed);
    view.setUint8(22, confirmed << 5);
    view.setUint8(23, message.satellites);
    view.setInt32(24, message.longitudeE7, true);
    view.setInt32(28, message.latitudeE7, true);
    view.setInt32(32, message.heightMm, true);
    view.setUint32(40, message.horizontalAccuracyMm, true);
    const more = flags(!message.isPositionValid) | (flags(message.isTimeAuthenticated) << 13);
    view.setUint16(78, more, true);
  });
}

function writeNavTimeUtc(message: NavTimeUtc): Uint8Array {
  return payloadOf(20, (view) => {
    view.setUint32(0, message.timeOfWeekMs, true);
    view.setUint32(4, message.timeAccuracyNs, true);
    view.setInt32(8, message.utc.nanosecond, true);
    writeDateTime(view, 12, message.utc);
    const { isTimeOfWeekValid, isWeekValid, isUtcValid, isTimeAuthenticated } = message;
    const valid = flags(isTimeOfWeekValid, isWeekValid, isUtcValid, isTimeAuthenticated);
    view.setUint8(19, valid | (message.utcStandard << 4));
  });
}

function writeNavTimeLs(message: NavTimeLs): Uint8Array {
  return payloadOf(24, (view) => {
    view.setUint32(0, message.timeOfWeekMs, true);
    view.setUint8(8, message.currentSource);
    view.setInt8(9, message.currentLeapSeconds);
    view.setUint8(10, message.changeSource);
    view.setInt8(11, message.change);
    view.setInt32(12, message.timeToEventSeconds, true);
    view.setUint16(16, message.eventGpsWeek, true);
    view.setUint16(18, message.eventGpsDay, true);
    view.setUint8(23, flags(message.isCurrentValid, message.isEventValid));
  });
}

function writeNavStatus(message: NavStatus): Uint8Array {
  return payloadOf(16, (view) => {
    view.setUint32(0, message.timeOfWeekMs, true);
    view.setUint8(4, message.fixType);
    view.setUint8(5, flags(message.isFixOk, false, message.isWeekSet, message.isTimeOfWeekSet));
    view.setUint8(7, message.spoofingState << 3);
    view.setUint32(12, message.upSinceMs, true);
  });
}

function writeTimTp(message: TimTp): Uint8Array {
  return payloadOf(16, (view) => {
    view.setUint32(0, message.timeOfWeekMs, true);
    view.setUint32(4, message.timeOfWeekSubMs, true);
    view.setInt32(8, message.quantisationErrorPs, true);
    view.setUint16(12, message.week, true);
    const state = flags(!message.isQuantisationErrorValid, !message.isPulseLocked) << 4;
    const base = flags(message.isBaseUtc, message.isUtcAvailable);
    view.setUint8(14, base | (message.integrityMonitor << 2) | state);
    view.setUint8(15, message.timeReference | (message.utcStandard << 4));
  });
}

function writeMonHw(message: MonHw): Uint8Array {
  return payloadOf(60, (view) => {
    view.setUint16(16, message.noisePerMs, true);
    view.setUint16(18, message.gainCount, true);
    view.setUint8(20, message.antennaStatus);
    view.setUint8(21, message.antennaPower);
    view.setUint8(22, message.jammingState << 2);
    view.setUint8(45, message.jammingIndicator);
  });
}

function writeMonRf(message: MonRf): Uint8Array {
  return payloadOf(4 + 24 * message.blocks.length, (view) => {
    view.setUint8(1, message.blocks.length);
    for (const [i, block] of message.blocks.entries()) {
      view.setUint8(4 + 24 * i, block.blockId);
      writeRadio(view, 4 + 24 * i, block);
    }
  });
}

function writeRadio(view: DataView, at: number, radio: RadioState): void {
  view.setUint8(at + 1, radio.jammingState);
  view.setUint8(at + 2, radio.antennaStatus);
  view.setUint8(at + 3, radio.antennaPower);
  view.setUint16(at + 12, radio.noisePerMs, true);
  view.setUint16(at + 14, radio.gainCount, true);
  view.setUint8(at + 16, radio.jammingIndicator);
}

function writeSecSig(message: SecSig): Uint8Array {
  const jamming = flags(message.isJammingMonitored) | (message.jammingState << 1);
  const spoofing = flags(message.isSpoofingMonitored) | (message.spoofingState << 1);
  if (message.version === 1) {
    return payloadOf(12, (view) => {
      view.setUint8(0, 1);
      view.setUint8(4, jamming);
      view.setUint8(8, spoofing);
    });
  }
  return payloadOf(4 + 4 * message.frequencies.length, (view) => {
    view.setUint8(0, 2);
    view.setUint8(1, jamming | (spoofing << 3));
    view.setUint8(3, message.frequencies.length);
    for (const [i, { centreKhz, isJammed }] of message.frequencies.entries()) {
      view.setUint32(4 + 4 * i, centreKhz | (flags(isJammed) << 24), true);
    }
  });
}

function writeSecUniqId(message: SecUniqId): Uint8Array {
  return Uint8Array.of(message.version, 0, 0, 0, ...message.uniqueId);
}
