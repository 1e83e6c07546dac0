/**
 * IEEE 1588-2019 management messages (§15) as linuxptp 3.1.1 to 4.4 speaks them over its Unix
 * sockets: one TLV a message. Everything is read; only GET and the subscription to events can be
 * written, so nothing built with this file can change a clock.
 *
 * Strict: version 2, exact lengths, known enumerations; reserved octets are skipped (§4.2.8).
 * A message proves nothing about who sent it: see the acceptance rule of @kudurru/ptp4l-client.
 */
import { decodeHex } from '../bytes.ts';
import { ProofError } from '../proof-error.ts';
import { CLOCK_SET_DECODERS, PTP_EVENT_BITMASK_SIZE_BYTES } from './ptp-clock-sets.ts';
import type { PtpClockSet } from './ptp-clock-sets.ts';
import { PTP_MANAGEMENT_IDS, ptpManagementName } from './ptp-management-ids.ts';
import type { PtpManagementName } from './ptp-management-ids.ts';
import { PORT_SET_DECODERS } from './ptp-port-sets.ts';
import type { PtpPortSet } from './ptp-port-sets.ts';
import { PtpReader } from './ptp-reader.ts';
import type { PtpPortIdentity } from './ptp-reader.ts';
import { decodeSmallSet } from './ptp-small-sets.ts';
import type { PtpSmallSet } from './ptp-small-sets.ts';

/** linuxptp's own bound of a message, `struct message_data`. */
export const PTP_MESSAGE_SIZE_BYTES_MAX = 1500;

const HEADER_SIZE_BYTES = 48;
const TLV_HEAD_SIZE_BYTES = 4;
const MESSAGE_TYPE_MANAGEMENT = 0xd;
const VERSION = 2;
const TLV_MANAGEMENT = 0x0001;
const TLV_MANAGEMENT_ERROR_STATUS = 0x0002;
/** Of the management class (§13.3.2.13), and "as fast as asked" (§13.3.2.14). */
const CONTROL_FIELD = 4;
const LOG_MESSAGE_INTERVAL = 0x7f;
const SUBSCRIBE_SIZE_BYTES = 2 + PTP_EVENT_BITMASK_SIZE_BYTES;

/** §15.4.1.6, table 57, from 0. */
export const PTP_ACTIONS = ['GET', 'SET', 'RESPONSE', 'COMMAND', 'ACKNOWLEDGE'] as const;
export type PtpAction = (typeof PTP_ACTIONS)[number];

/** §15.5.4.2, table 71. */
const ERROR_NAMES: Readonly<Record<number, PtpErrorName>> = {
  0x0001: 'RESPONSE_TOO_BIG',
  0x0002: 'NO_SUCH_ID',
  0x0003: 'WRONG_LENGTH',
  0x0004: 'WRONG_VALUE',
  0x0005: 'NOT_SETABLE',
  0x0006: 'NOT_SUPPORTED',
  0xfffe: 'GENERAL_ERROR',
};
export type PtpErrorName =
  | 'RESPONSE_TOO_BIG'
  | 'NO_SUCH_ID'
  | 'WRONG_LENGTH'
  | 'WRONG_VALUE'
  | 'NOT_SETABLE'
  | 'NOT_SUPPORTED'
  | 'GENERAL_ERROR'
  | 'UNKNOWN';

/** Every port of every clock. */
export const PTP_ALL_PORTS: PtpPortIdentity = {
  clockIdentity: 'ffffffffffffffff',
  portNumber: 0xffff,
};

/** What linuxptp pushes to a subscriber (notification.h): bits of SUBSCRIBE_EVENTS_NP. */
export const PTP_EVENTS = {
  /** PORT_DATA_SET at each change of a port's state; the only one of 3.1.1. */
  portState: 0,
  /** TIME_STATUS_NP at each sync; 4.0. */
  timeSync: 1,
  /** PARENT_DATA_SET at each change; 4.2. */
  parentDataSet: 2,
  /** CMLDS_INFO_NP; 4.3. */
  cmlds: 3,
} as const;
export type PtpEvent = keyof typeof PTP_EVENTS;

/** A data set that is decoded, or the bytes of one that is not known. */
export type PtpDataSet =
  PtpClockSet | PtpPortSet | PtpSmallSet | { readonly name: 'UNKNOWN'; readonly bytes: Uint8Array };

export type PtpManagementBody =
  | {
      readonly type: 'data';
      readonly managementId: number;
      /** Null without data, and in a GET, whose data means nothing (§15.4.1.6). */
      readonly dataSet: PtpDataSet | null;
    }
  | {
      readonly type: 'error';
      readonly managementId: number;
      readonly errorId: number;
      readonly error: PtpErrorName;
    };

export interface PtpManagementMessage {
  /** High nibble of the first octet (majorSdoId): 0 … 15. */
  readonly transportSpecific: number;
  /** 0 (linuxptp 3) or 1 (linuxptp 4). */
  readonly minorVersion: number;
  readonly domainNumber: number;
  readonly sourcePortIdentity: PtpPortIdentity;
  readonly sequenceId: number;
  readonly targetPortIdentity: PtpPortIdentity;
  readonly startingBoundaryHops: number;
  readonly boundaryHops: number;
  readonly action: PtpAction;
  readonly body: PtpManagementBody;
}

/** @throws ProofError `ptp-malformed` */
export function decodePtpManagement(bytes: Uint8Array): PtpManagementMessage {
  const reader = new PtpReader('PTP management message', bytes);
  if (bytes.length > PTP_MESSAGE_SIZE_BYTES_MAX) {
    throw reader.malformed(`${bytes.length} bytes, at most ${PTP_MESSAGE_SIZE_BYTES_MAX}`);
  }
  const head = readHead(reader, bytes.length);
  const tlvType = reader.u16();
  const tlvLength = reader.u16();
  if (tlvLength !== reader.left) {
    throw reader.malformed(`TLV of ${tlvLength} bytes in a message with ${reader.left} left`);
  }
  if (tlvType === TLV_MANAGEMENT_ERROR_STATUS) return { ...head, body: readError(reader) };
  if (tlvType !== TLV_MANAGEMENT) throw reader.malformed(`TLV of type ${tlvType}`);
  const managementId = reader.u16();
  const data = reader.rest();
  const dataSet = head.action === 'GET' || data.length === 0 ? null : readSet(managementId, data);
  return { ...head, body: { type: 'data', managementId, dataSet } };
}

export interface PtpRequestHead {
  readonly domainNumber: number;
  /** Default 0. */
  readonly transportSpecific?: number;
  readonly source: PtpPortIdentity;
  /** Default `PTP_ALL_PORTS`. */
  readonly target?: PtpPortIdentity;
  readonly sequenceId: number;
}

/** A GET without data; 0 boundary hops, so that it goes no further than its first clock. */
export function encodePtpGet(head: PtpRequestHead, name: PtpManagementName): Uint8Array {
  return encodeRequest(head, PTP_ACTIONS.indexOf('GET'), {
    managementId: PTP_MANAGEMENT_IDS[name].id,
    data: new Uint8Array(0),
  });
}

export interface PtpSubscription {
  /** 0 … 65535 seconds from now; since linuxptp 4.4, 65535 has no end. */
  readonly durationSeconds: number;
  /** None ends the subscription of this source identity. */
  readonly events: readonly PtpEvent[];
}

/** A SET of SUBSCRIBE_EVENTS_NP, which changes nothing but who is told. 0 boundary hops. */
export function encodePtpSubscribe(head: PtpRequestHead, wanted: PtpSubscription): Uint8Array {
  const data = new Uint8Array(SUBSCRIBE_SIZE_BYTES);
  new DataView(data.buffer).setUint16(0, inRange(wanted.durationSeconds, 0xffff));
  for (const event of wanted.events) data[2] = (data[2] ?? 0) | (1 << PTP_EVENTS[event]);
  const managementId = PTP_MANAGEMENT_IDS.SUBSCRIBE_EVENTS_NP.id;
  return encodeRequest(head, PTP_ACTIONS.indexOf('SET'), { managementId, data });
}

function encodeRequest(
  head: PtpRequestHead,
  action: number,
  { managementId, data }: { readonly managementId: number; readonly data: Uint8Array },
): Uint8Array {
  const { transportSpecific = 0, target = PTP_ALL_PORTS } = head;
  const bytes = new Uint8Array(HEADER_SIZE_BYTES + TLV_HEAD_SIZE_BYTES + 2 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, (inRange(transportSpecific, 0xf) << 4) | MESSAGE_TYPE_MANAGEMENT);
  view.setUint8(1, VERSION);
  view.setUint16(2, bytes.length);
  view.setUint8(4, inRange(head.domainNumber, 0xff));
  writePortIdentity(bytes, 20, head.source);
  view.setUint16(30, inRange(head.sequenceId, 0xffff));
  view.setUint8(32, CONTROL_FIELD);
  view.setUint8(33, LOG_MESSAGE_INTERVAL);
  writePortIdentity(bytes, 34, target);
  view.setUint8(46, action);
  view.setUint16(48, TLV_MANAGEMENT);
  view.setUint16(50, 2 + data.length);
  view.setUint16(52, managementId);
  bytes.set(data, 54);
  return bytes;
}

function readHead(reader: PtpReader, length: number): Omit<PtpManagementMessage, 'body'> {
  const first = reader.u8();
  if ((first & 0x0f) !== MESSAGE_TYPE_MANAGEMENT) {
    throw reader.malformed(`a message of type ${first & 0x0f}`);
  }
  const version = reader.u8();
  if ((version & 0x0f) !== VERSION) throw reader.malformed(`PTP version ${version & 0x0f}`);
  const messageLength = reader.u16();
  if (messageLength !== length) {
    throw reader.malformed(`says it has ${messageLength} bytes, and has ${length}`);
  }
  const domainNumber = reader.u8();
  reader.bytes(15); // minorSdoId, flags, correctionField, messageTypeSpecific: nothing for us
  const sourcePortIdentity = reader.portIdentity();
  const sequenceId = reader.u16();
  reader.bytes(2); // controlField (0 in newer versions), logMessageInterval
  const targetPortIdentity = reader.portIdentity();
  const [startingBoundaryHops, boundaryHops] = [reader.u8(), reader.u8()];
  const action = PTP_ACTIONS[reader.u8() & 0x0f];
  if (action === undefined) throw reader.malformed('an action outside 0..4');
  reader.u8();
  return {
    ...{ transportSpecific: first >> 4, minorVersion: version >> 4, domainNumber },
    ...{ sourcePortIdentity, sequenceId, targetPortIdentity },
    ...{ startingBoundaryHops, boundaryHops, action },
  };
}

/** §15.5.4: an error, the identifier it is about, and a text that linuxptp does not send. */
function readError(reader: PtpReader): PtpManagementBody {
  const errorId = reader.u16();
  const managementId = reader.u16();
  reader.bytes(4);
  if (reader.left > 0) reader.text();
  reader.endPadded();
  return { type: 'error', managementId, errorId, error: ERROR_NAMES[errorId] ?? 'UNKNOWN' };
}

function readSet(managementId: number, data: Uint8Array): PtpDataSet {
  const name = ptpManagementName(managementId);
  if (name === undefined || name === 'NULL_MANAGEMENT') return { name: 'UNKNOWN', bytes: data };
  const reader = new PtpReader(name, data);
  const set = decodeSet(name, reader);
  reader.endPadded();
  return set;
}

function decodeSet(name: PtpManagementName, reader: PtpReader): PtpDataSet {
  const small = decodeSmallSet(name, reader);
  if (small !== undefined) return small;
  const decoders = { ...CLOCK_SET_DECODERS, ...PORT_SET_DECODERS };
  const decode = decoders[name as keyof typeof decoders];
  return { name, ...decode(reader) } as PtpDataSet;
}

function writePortIdentity(bytes: Uint8Array, offset: number, identity: PtpPortIdentity): void {
  const clockIdentity = decodeHex(identity.clockIdentity);
  if (clockIdentity.length !== 8) {
    throw new ProofError('ptp-malformed', 'clock identity: expected 16 hexadecimal digits');
  }
  bytes.set(clockIdentity, offset);
  new DataView(bytes.buffer).setUint16(offset + 8, inRange(identity.portNumber, 0xffff));
}

function inRange(value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new ProofError('ptp-malformed', `a field of a request is ${value}, not in 0..${max}`);
}
