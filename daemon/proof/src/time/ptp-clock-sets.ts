/**
 * Data sets of a PTP clock as management messages carry them (IEEE 1588-2019 §8.2, §15.5.3;
 * linuxptp ds.h and tlv.h for those in `_NP`). Reserved octets are skipped: receivers ignore them
 * (§4.2.8). A TimeInterval is nanoseconds times 2^16, kept as it is: nothing is rounded.
 */
import type { PtpClockQuality, PtpPortIdentity, PtpReader } from './ptp-reader.ts';

/** §8.2.1: this clock. */
export interface PtpDefaultDataSet {
  readonly name: 'DEFAULT_DATA_SET';
  readonly twoStep: boolean;
  readonly slaveOnly: boolean;
  /** 1 … 65535, the Unix sockets not counted. */
  readonly numberPorts: number;
  readonly priority1: number;
  readonly clockQuality: PtpClockQuality;
  readonly priority2: number;
  readonly clockIdentity: string;
  readonly domainNumber: number;
}

/** §8.2.2: this clock against its master. */
export interface PtpCurrentDataSet {
  readonly name: 'CURRENT_DATA_SET';
  /** Boundary clocks on the way to the grandmaster, this one included; 0 for the grandmaster. */
  readonly stepsRemoved: number;
  /** Nanoseconds times 2^16, own clock minus master. */
  readonly offsetFromMasterScaledNs: bigint;
  /** Nanoseconds times 2^16, after linuxptp's filter. */
  readonly meanPathDelayScaledNs: bigint;
}

/** §8.2.3: the master, and what the grandmaster says of itself. Stale while no master is heard. */
export interface PtpParentDataSet {
  readonly name: 'PARENT_DATA_SET';
  readonly parentPortIdentity: PtpPortIdentity;
  readonly parentStats: boolean;
  readonly observedParentOffsetScaledLogVariance: number;
  readonly observedParentClockPhaseChangeRate: number;
  readonly grandmasterPriority1: number;
  readonly grandmasterClockQuality: PtpClockQuality;
  readonly grandmasterPriority2: number;
  readonly grandmasterIdentity: string;
}

/** The flags of §8.2.4 as one octet carries them (Announce's second flag octet, §13.3.2.8). */
export interface PtpTimeFlags {
  readonly leap61: boolean;
  readonly leap59: boolean;
  readonly currentUtcOffsetValid: boolean;
  readonly ptpTimescale: boolean;
  readonly timeTraceable: boolean;
  readonly frequencyTraceable: boolean;
  readonly synchronizationUncertain: boolean;
}

/** §8.2.4. */
export interface PtpTimePropertiesDataSet extends PtpTimeFlags {
  readonly name: 'TIME_PROPERTIES_DATA_SET';
  /** TAI minus UTC in seconds, as announced: -32768 … 32767. */
  readonly currentUtcOffset: number;
  /** §7.6.2.8, table 6: 0x10 atomic, 0x20 GNSS, 0x40 PTP, 0x50 NTP, 0xa0 internal oscillator … */
  readonly timeSource: number;
}

/** linuxptp tlv.h `time_status_np`: the last sync as the servo saw it. */
export interface PtpTimeStatusNp {
  readonly name: 'TIME_STATUS_NP';
  /** Own clock minus master. */
  readonly masterOffsetNs: bigint;
  /** Own clock when the last Sync came in; 0 while there is no master. */
  readonly ingressTimeNs: bigint;
  /** Times 2^41 (IEEE 802.1AS follow-up information). */
  readonly cumulativeScaledRateOffset: number;
  readonly scaledLastGmPhaseChange: number;
  readonly gmTimeBaseIndicator: number;
  /** ScaledNs, 96 bits: nanoseconds times 2^16. linuxptp fills it for 802.1AS alone. */
  readonly lastGmPhaseChange: {
    readonly nanosecondsHigh: number;
    readonly nanosecondsLow: bigint;
    readonly fraction: number;
  };
  /** linuxptp 3.1.1 leaves it true after the grandmaster went silent: the port's state tells. */
  readonly gmPresent: boolean;
  readonly gmIdentity: string;
}

/** linuxptp tlv.h `grandmaster_settings_np`: what this clock announces when it is grandmaster. */
export interface PtpGrandmasterSettingsNp extends PtpTimeFlags {
  readonly name: 'GRANDMASTER_SETTINGS_NP';
  readonly clockQuality: PtpClockQuality;
  readonly currentUtcOffset: number;
  readonly timeSource: number;
}

/** linuxptp tlv.h `subscribe_events_np`, as it was understood. */
export interface PtpSubscribeEventsNp {
  readonly name: 'SUBSCRIBE_EVENTS_NP';
  /** Seconds; 65535 has no end since linuxptp 4.4. */
  readonly durationSeconds: number;
  /** 64 bytes; bit n of byte 0 is event n. */
  readonly bitmask: Uint8Array;
}

/** linuxptp: head of 2025, external_grandmaster_properties_np. */
export interface PtpExternalGrandmasterPropertiesNp {
  readonly name: 'EXTERNAL_GRANDMASTER_PROPERTIES_NP';
  readonly gmIdentity: string;
  readonly stepsRemoved: number;
}

/** §16.3, table 59: the offset of a local time scale. */
export interface PtpAlternateTimeOffsetProperties {
  readonly name: 'ALTERNATE_TIME_OFFSET_PROPERTIES';
  readonly keyField: number;
  readonly currentOffsetSeconds: number;
  readonly jumpSeconds: number;
  /** Seconds of the PTP time scale, 48 bits. */
  readonly timeOfNextJump: bigint;
}

export interface PtpAlternateTimeOffsetEnable {
  readonly name: 'ALTERNATE_TIME_OFFSET_ENABLE';
  readonly keyField: number;
  readonly enabled: boolean;
}

export interface PtpAlternateTimeOffsetName {
  readonly name: 'ALTERNATE_TIME_OFFSET_NAME';
  readonly keyField: number;
  /** PTPText: UTF-8, not checked. */
  readonly displayName: Uint8Array;
}

export type PtpClockSet =
  | PtpDefaultDataSet
  | PtpCurrentDataSet
  | PtpParentDataSet
  | PtpTimePropertiesDataSet
  | PtpTimeStatusNp
  | PtpGrandmasterSettingsNp
  | PtpSubscribeEventsNp
  | PtpExternalGrandmasterPropertiesNp
  | PtpAlternateTimeOffsetProperties
  | PtpAlternateTimeOffsetEnable
  | PtpAlternateTimeOffsetName;

export const PTP_EVENT_BITMASK_SIZE_BYTES = 64;

type Decoder<Set extends { readonly name: string }> = (reader: PtpReader) => Omit<Set, 'name'>;

/** One decoder a data set. What follows a set is refused by the caller. */
export const CLOCK_SET_DECODERS: {
  readonly [Name in PtpClockSet['name']]: Decoder<Extract<PtpClockSet, { name: Name }>>;
} = {
  DEFAULT_DATA_SET(reader) {
    const flags = reader.u8();
    reader.u8();
    const [numberPorts, priority1, clockQuality] = [
      reader.u16(),
      reader.u8(),
      reader.clockQuality(),
    ];
    const [priority2, clockIdentity] = [reader.u8(), reader.clockIdentity()];
    const domainNumber = reader.u8();
    reader.u8();
    const [twoStep, slaveOnly] = [(flags & 1) !== 0, (flags & 2) !== 0];
    return {
      ...{ twoStep, slaveOnly, numberPorts, priority1, clockQuality },
      ...{ priority2, clockIdentity, domainNumber },
    };
  },
  CURRENT_DATA_SET: (reader) => ({
    stepsRemoved: reader.u16(),
    offsetFromMasterScaledNs: reader.i64(),
    meanPathDelayScaledNs: reader.i64(),
  }),
  PARENT_DATA_SET(reader) {
    const parentPortIdentity = reader.portIdentity();
    const parentStats = (reader.u8() & 1) !== 0;
    reader.u8();
    return {
      parentPortIdentity,
      parentStats,
      observedParentOffsetScaledLogVariance: reader.u16(),
      observedParentClockPhaseChangeRate: reader.i32(),
      grandmasterPriority1: reader.u8(),
      grandmasterClockQuality: reader.clockQuality(),
      grandmasterPriority2: reader.u8(),
      grandmasterIdentity: reader.clockIdentity(),
    };
  },
  TIME_PROPERTIES_DATA_SET: readTimeProperties,
  TIME_STATUS_NP: (reader) => ({
    masterOffsetNs: reader.i64(),
    ingressTimeNs: reader.i64(),
    cumulativeScaledRateOffset: reader.i32(),
    scaledLastGmPhaseChange: reader.i32(),
    gmTimeBaseIndicator: reader.u16(),
    lastGmPhaseChange: {
      nanosecondsHigh: reader.u16(),
      nanosecondsLow: reader.u64(),
      fraction: reader.u16(),
    },
    gmPresent: reader.truth(reader.i32()),
    gmIdentity: reader.clockIdentity(),
  }),
  GRANDMASTER_SETTINGS_NP: (reader) => ({
    clockQuality: reader.clockQuality(),
    ...readTimeProperties(reader),
  }),
  SUBSCRIBE_EVENTS_NP: (reader) => ({
    durationSeconds: reader.u16(),
    bitmask: reader.bytes(PTP_EVENT_BITMASK_SIZE_BYTES),
  }),
  EXTERNAL_GRANDMASTER_PROPERTIES_NP: (reader) => ({
    gmIdentity: reader.clockIdentity(),
    stepsRemoved: reader.u16(),
  }),
  ALTERNATE_TIME_OFFSET_PROPERTIES: (reader) => ({
    keyField: reader.u8(),
    currentOffsetSeconds: reader.i32(),
    jumpSeconds: reader.i32(),
    timeOfNextJump: (BigInt(reader.u16()) << 32n) | BigInt(reader.u32()),
  }),
  ALTERNATE_TIME_OFFSET_ENABLE: (reader) => ({
    keyField: reader.u8(),
    enabled: (reader.u8() & 1) !== 0,
  }),
  ALTERNATE_TIME_OFFSET_NAME: (reader) => ({ keyField: reader.u8(), displayName: reader.text() }),
};

function readTimeProperties(
  reader: PtpReader,
): PtpTimeFlags & { currentUtcOffset: number; timeSource: number } {
  const currentUtcOffset = reader.i16();
  const flags = reader.u8();
  return {
    currentUtcOffset,
    leap61: (flags & 0x01) !== 0,
    leap59: (flags & 0x02) !== 0,
    currentUtcOffsetValid: (flags & 0x04) !== 0,
    ptpTimescale: (flags & 0x08) !== 0,
    timeTraceable: (flags & 0x10) !== 0,
    frequencyTraceable: (flags & 0x20) !== 0,
    synchronizationUncertain: (flags & 0x40) !== 0,
    timeSource: reader.u8(),
  };
}
