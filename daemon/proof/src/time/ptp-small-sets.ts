/**
 * The small management data sets: those of one octet (linuxptp tlv.h `management_tlv_datum`) and
 * the descriptions of a clock (IEEE 1588-2019 §15.5.3.1).
 */
import type { PtpReader } from './ptp-reader.ts';

/** One octet and a reserved one. Signed: log2 of seconds. */
const OCTET_SETS = {
  PRIORITY1: 'unsigned',
  PRIORITY2: 'unsigned',
  DOMAIN: 'unsigned',
  LOG_ANNOUNCE_INTERVAL: 'signed',
  ANNOUNCE_RECEIPT_TIMEOUT: 'unsigned',
  LOG_SYNC_INTERVAL: 'signed',
  /** Low nibble: the version; high nibble: the minor version (linuxptp 4). */
  VERSION_NUMBER: 'unsigned',
  /** Of this clock, not of its grandmaster. */
  CLOCK_ACCURACY: 'unsigned',
  /** Flags as in TIME_PROPERTIES_DATA_SET: 0x10 time, 0x20 frequency. */
  TRACEABILITY_PROPERTIES: 'unsigned',
  /** Flag 0x08: PTP time scale. */
  TIMESCALE_PROPERTIES: 'unsigned',
  ALTERNATE_TIME_OFFSET_MAX_KEY: 'unsigned',
  DELAY_MECHANISM: 'unsigned',
  LOG_MIN_PDELAY_REQ_INTERVAL: 'signed',
  /** Flag 0x02, as in DEFAULT_DATA_SET. */
  SLAVE_ONLY: 'unsigned',
  /** Not 0: true. */
  MASTER_ONLY: 'unsigned',
  /** linuxptp: 0 certain, 1 uncertain, 0xff no opinion. */
  SYNCHRONIZATION_UNCERTAIN_NP: 'unsigned',
} as const;

type OctetSetName = keyof typeof OCTET_SETS;

interface NamedOctet<Name extends OctetSetName> {
  readonly name: Name;
  /** 0 … 255; -128 … 127 for the logarithms. */
  readonly value: number;
}

export type PtpOctetSet = { [Name in OctetSetName]: NamedOctet<Name> }[OctetSetName];

/** §15.5.3.1.2; all texts are PTPText, as they came. */
export interface PtpClockDescription {
  readonly name: 'CLOCK_DESCRIPTION';
  readonly clockType: number;
  readonly physicalLayerProtocol: Uint8Array;
  readonly physicalAddress: Uint8Array;
  readonly networkProtocol: number;
  readonly protocolAddress: Uint8Array;
  readonly manufacturerIdentity: Uint8Array;
  readonly productDescription: Uint8Array;
  readonly revisionData: Uint8Array;
  readonly userDescription: Uint8Array;
  readonly profileIdentity: Uint8Array;
}

export interface PtpUserDescription {
  readonly name: 'USER_DESCRIPTION';
  readonly userDescription: Uint8Array;
}

export type PtpSmallSet = PtpOctetSet | PtpClockDescription | PtpUserDescription;

/** Undefined where `name` is not of a small set. What follows a set is refused by the caller. */
export function decodeSmallSet(name: string, reader: PtpReader): PtpSmallSet | undefined {
  if (name === 'CLOCK_DESCRIPTION') return readClockDescription(reader);
  if (name === 'USER_DESCRIPTION') return { name, userDescription: reader.text() };
  if (!isOctetSet(name)) return undefined;
  const value = OCTET_SETS[name] === 'signed' ? reader.i8() : reader.u8();
  reader.u8();
  return { name, value };
}

function isOctetSet(name: string): name is OctetSetName {
  return Object.hasOwn(OCTET_SETS, name);
}

function readClockDescription(reader: PtpReader): PtpClockDescription {
  const clockType = reader.u16();
  const physicalLayerProtocol = reader.text();
  const physicalAddress = reader.bytes(reader.u16());
  const networkProtocol = reader.u16();
  const protocolAddress = reader.bytes(reader.u16());
  const manufacturerIdentity = reader.bytes(3);
  reader.u8();
  return {
    name: 'CLOCK_DESCRIPTION',
    ...{ clockType, physicalLayerProtocol, physicalAddress, networkProtocol, protocolAddress },
    manufacturerIdentity,
    productDescription: reader.text(),
    revisionData: reader.text(),
    userDescription: reader.text(),
    profileIdentity: reader.bytes(6),
  };
}
