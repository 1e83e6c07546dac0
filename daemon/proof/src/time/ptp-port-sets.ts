/**
 * Data sets of one port of a PTP clock as management messages carry them (IEEE 1588-2019 §8.2.15,
 * §15.5.3; linuxptp ds.h and tlv.h for those in `_NP`), and the sets of one octet.
 */
import type { PtpClockQuality, PtpPortIdentity, PtpReader } from './ptp-reader.ts';

/** IEEE 1588-2019 table 20, from 1. */
export const PTP_PORT_STATES = [
  'INITIALIZING',
  'FAULTY',
  'DISABLED',
  'LISTENING',
  'PRE_MASTER',
  'MASTER',
  'PASSIVE',
  'UNCALIBRATED',
  'SLAVE',
] as const;
export type PtpPortState = (typeof PTP_PORT_STATES)[number];

/** linuxptp transport.h `timestamp_type`, from 0. */
const TIMESTAMPING = ['SOFTWARE', 'HARDWARE', 'LEGACY_HW', 'ONESTEP', 'P2P1STEP'] as const;

/** IEEE 1588-2019 table 36: the message types, by number; others are not counted apart. */
const MESSAGE_TYPES = {
  sync: 0x0,
  delayReq: 0x1,
  pdelayReq: 0x2,
  pdelayResp: 0x3,
  followUp: 0x8,
  delayResp: 0x9,
  pdelayRespFollowUp: 0xa,
  announce: 0xb,
  signaling: 0xc,
  management: 0xd,
} as const;
const MESSAGE_TYPES_COUNTED = 16;

/** Entries are at least 22 bytes long, so no message holds more. */
const UNICAST_MASTERS_MAX = 64;
const UNICAST_STATES = ['WAIT', 'HAVE_ANN', 'NEED_SYDY', 'HAVE_SYDY'] as const;

/** §8.2.15. */
export interface PtpPortDataSet {
  readonly name: 'PORT_DATA_SET';
  readonly portIdentity: PtpPortIdentity;
  readonly portState: PtpPortState;
  /** log2 of seconds, -128 … 127, as are the other intervals. */
  readonly logMinDelayReqInterval: number;
  /** Nanoseconds times 2^16. */
  readonly peerMeanPathDelayScaledNs: bigint;
  readonly logAnnounceInterval: number;
  /** Announce intervals without an Announce after which the master is given up. */
  readonly announceReceiptTimeout: number;
  readonly logSyncInterval: number;
  /** 1 end to end, 2 peer to peer, 3 common peer to peer, 0xfe none (table 21). */
  readonly delayMechanism: number;
  readonly logMinPdelayReqInterval: number;
  /** Low nibble of the octet; linuxptp 4 has its minor version in the other. */
  readonly versionNumber: number;
}

/** linuxptp tlv.h `port_ds_np`: IEEE 802.1AS. */
export interface PtpPortDataSetNp {
  readonly name: 'PORT_DATA_SET_NP';
  readonly neighborPropDelayThreshNs: number;
  readonly asCapable: boolean;
}

/** linuxptp tlv.h `port_properties_np`. */
export interface PtpPortPropertiesNp {
  readonly name: 'PORT_PROPERTIES_NP';
  readonly portIdentity: PtpPortIdentity;
  readonly portState: PtpPortState;
  readonly timestamping: (typeof TIMESTAMPING)[number];
  /** PTPText: name of the network interface. */
  readonly interface: Uint8Array;
}

export type PtpMessageCounts = Readonly<Record<keyof typeof MESSAGE_TYPES, bigint>>;

/** linuxptp ds.h `PortStats`: messages since ptp4l started. */
export interface PtpPortStatsNp {
  readonly name: 'PORT_STATS_NP';
  readonly portIdentity: PtpPortIdentity;
  readonly received: PtpMessageCounts;
  readonly sent: PtpMessageCounts;
}

/** linuxptp 4 ds.h `PortServiceStats`: times that something did not come or fit. */
export interface PtpPortServiceStatsNp {
  readonly name: 'PORT_SERVICE_STATS_NP';
  readonly portIdentity: PtpPortIdentity;
  readonly announceTimeouts: bigint;
  readonly syncTimeouts: bigint;
  readonly delayTimeouts: bigint;
  readonly unicastServiceTimeouts: bigint;
  readonly unicastRequestTimeouts: bigint;
  readonly masterAnnounceTimeouts: bigint;
  readonly masterSyncTimeouts: bigint;
  readonly qualificationTimeouts: bigint;
  readonly syncMismatches: bigint;
  readonly followUpMismatches: bigint;
}

/** linuxptp 4 ds.h `unicast_master_entry`: one of the masters asked for unicast service. */
export interface PtpUnicastMaster {
  readonly portIdentity: PtpPortIdentity;
  readonly clockQuality: PtpClockQuality;
  readonly selected: boolean;
  readonly state: (typeof UNICAST_STATES)[number];
  readonly priority1: number;
  readonly priority2: number;
  /** §7.4.1, table 3: 1 UDP/IPv4, 2 UDP/IPv6, 3 Ethernet. */
  readonly networkProtocol: number;
  readonly address: Uint8Array;
}

export interface PtpUnicastMasterTableNp {
  readonly name: 'UNICAST_MASTER_TABLE_NP';
  readonly masters: readonly PtpUnicastMaster[];
}

/** linuxptp 4 tlv.h `port_hwclock_np`. */
export interface PtpPortHwclockNp {
  readonly name: 'PORT_HWCLOCK_NP';
  readonly portIdentity: PtpPortIdentity;
  /** N of /dev/ptpN; negative where there is none. */
  readonly phcIndex: number;
  readonly virtualClock: boolean;
}

/** linuxptp 4 tlv.h `ieee_c37_238_settings_np`. */
export interface PtpPowerProfileSettingsNp {
  readonly name: 'POWER_PROFILE_SETTINGS_NP';
  /** 0 none, 1 IEEE C37.238-2011, 2 IEEE C37.238-2017. */
  readonly version: number;
  readonly grandmasterId: number;
  /** 0xffffffff: unknown, as for the other two. */
  readonly grandmasterTimeInaccuracyNs: number;
  readonly networkTimeInaccuracyNs: number;
  readonly totalTimeInaccuracyNs: number;
}

/** linuxptp 4.3 tlv.h `cmlds_info_np`. */
export interface PtpCmldsInfoNp {
  readonly name: 'CMLDS_INFO_NP';
  /** Nanoseconds times 2^16. */
  readonly meanLinkDelayScaledNs: bigint;
  /** (neighbour's rate / own - 1) times 2^41. */
  readonly scaledNeighborRateRatio: number;
  readonly asCapable: boolean;
}

/** linuxptp, head of 2025: `port_corrections_np`; nanoseconds times 2^16. */
export interface PtpPortCorrectionsNp {
  readonly name: 'PORT_CORRECTIONS_NP';
  readonly egressLatencyScaledNs: bigint;
  readonly ingressLatencyScaledNs: bigint;
  readonly delayAsymmetryScaledNs: bigint;
}

export type PtpPortSet =
  | PtpPortDataSet
  | PtpPortDataSetNp
  | PtpPortPropertiesNp
  | PtpPortStatsNp
  | PtpPortServiceStatsNp
  | PtpUnicastMasterTableNp
  | PtpPortHwclockNp
  | PtpPowerProfileSettingsNp
  | PtpCmldsInfoNp
  | PtpPortCorrectionsNp;

type Decoder<Set extends { readonly name: string }> = (reader: PtpReader) => Omit<Set, 'name'>;

/** One decoder a data set. What follows a set is refused by the caller. */
export const PORT_SET_DECODERS: {
  readonly [Name in PtpPortSet['name']]: Decoder<Extract<PtpPortSet, { name: Name }>>;
} = {
  PORT_DATA_SET: (reader) => ({
    portIdentity: reader.portIdentity(),
    portState: readPortState(reader),
    logMinDelayReqInterval: reader.i8(),
    peerMeanPathDelayScaledNs: reader.i64(),
    logAnnounceInterval: reader.i8(),
    announceReceiptTimeout: reader.u8(),
    logSyncInterval: reader.i8(),
    delayMechanism: reader.u8(),
    logMinPdelayReqInterval: reader.i8(),
    versionNumber: reader.u8() & 0x0f,
  }),
  PORT_DATA_SET_NP: (reader) => ({
    neighborPropDelayThreshNs: reader.u32(),
    asCapable: reader.i32() !== 0,
  }),
  PORT_PROPERTIES_NP: (reader) => ({
    portIdentity: reader.portIdentity(),
    portState: readPortState(reader),
    timestamping: oneOf(reader, TIMESTAMPING, reader.u8()),
    interface: reader.text(),
  }),
  PORT_STATS_NP: (reader) => ({
    portIdentity: reader.portIdentity(),
    received: readCounts(reader),
    sent: readCounts(reader),
  }),
  PORT_SERVICE_STATS_NP: (reader) => ({
    portIdentity: reader.portIdentity(),
    announceTimeouts: reader.counter(),
    syncTimeouts: reader.counter(),
    delayTimeouts: reader.counter(),
    unicastServiceTimeouts: reader.counter(),
    unicastRequestTimeouts: reader.counter(),
    masterAnnounceTimeouts: reader.counter(),
    masterSyncTimeouts: reader.counter(),
    qualificationTimeouts: reader.counter(),
    syncMismatches: reader.counter(),
    followUpMismatches: reader.counter(),
  }),
  UNICAST_MASTER_TABLE_NP(reader) {
    const count = reader.u16();
    if (count > UNICAST_MASTERS_MAX) throw reader.malformed(`${count} unicast masters`);
    return { masters: Array.from({ length: count }, () => readUnicastMaster(reader)) };
  },
  PORT_HWCLOCK_NP(reader) {
    const portIdentity = reader.portIdentity();
    const phcIndex = reader.i32();
    const virtualClock = (reader.u8() & 1) !== 0;
    reader.u8();
    return { portIdentity, phcIndex, virtualClock };
  },
  POWER_PROFILE_SETTINGS_NP: (reader) => ({
    version: reader.u16(),
    grandmasterId: reader.u16(),
    grandmasterTimeInaccuracyNs: reader.u32(),
    networkTimeInaccuracyNs: reader.u32(),
    totalTimeInaccuracyNs: reader.u32(),
  }),
  CMLDS_INFO_NP: (reader) => ({
    meanLinkDelayScaledNs: reader.i64(),
    scaledNeighborRateRatio: reader.i32(),
    asCapable: reader.u32() !== 0,
  }),
  PORT_CORRECTIONS_NP: (reader) => ({
    egressLatencyScaledNs: reader.i64(),
    ingressLatencyScaledNs: reader.i64(),
    delayAsymmetryScaledNs: reader.i64(),
  }),
};

function readPortState(reader: PtpReader): PtpPortState {
  return oneOf(reader, PTP_PORT_STATES, reader.u8() - 1);
}

function readCounts(reader: PtpReader): PtpMessageCounts {
  const counts = Array.from({ length: MESSAGE_TYPES_COUNTED }, () => reader.counter());
  const named = Object.entries(MESSAGE_TYPES).map(([name, type]) => [name, counts[type] ?? 0n]);
  return Object.fromEntries(named) as PtpMessageCounts;
}

function readUnicastMaster(reader: PtpReader): PtpUnicastMaster {
  return {
    portIdentity: reader.portIdentity(),
    clockQuality: reader.clockQuality(),
    selected: reader.u8() !== 0,
    state: oneOf(reader, UNICAST_STATES, reader.u8()),
    priority1: reader.u8(),
    priority2: reader.u8(),
    networkProtocol: reader.u16(),
    address: reader.bytes(reader.u16()),
  };
}

function oneOf<Name>(reader: PtpReader, names: readonly Name[], index: number): Name {
  const name = names[index];
  if (name === undefined) throw reader.malformed(`${index} is none of ${names.join(', ')}`);
  return name;
}
