/** What linuxptp's own client prints of a data set, line by line: the oracle of the decoder. */
import type {
  PtpDataSet,
  PtpMessageCounts,
  PtpPortIdentity,
  PtpTimeFlags,
} from '../../src/index.ts';

type Lines = Readonly<Record<string, string | number | bigint>>;
type SetOf<Name extends PtpDataSet['name']> = Extract<PtpDataSet, { name: Name }>;

/** Field and value of each line that `pmc` printed, the head line left out. */
export function pmcLines(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.startsWith('\t\t'));
  return Object.fromEntries(lines.map((line) => line.trim().split(/ +/) as [string, string]));
}

/** The same of a decoded data set. */
export function linesOf(set: PtpDataSet): Record<string, string> {
  const render = RENDERERS[set.name] as ((value: PtpDataSet) => Lines) | undefined;
  if (render === undefined) throw new Error(`no lines are known for ${set.name}`);
  return Object.fromEntries(Object.entries(render(set)).map(([key, value]) => [key, `${value}`]));
}

const RENDERERS: { readonly [Name in PtpDataSet['name']]?: (set: SetOf<Name>) => Lines } = {
  DEFAULT_DATA_SET: (set) => ({
    twoStepFlag: Number(set.twoStep),
    slaveOnly: Number(set.slaveOnly),
    numberPorts: set.numberPorts,
    priority1: set.priority1,
    clockClass: set.clockQuality.clockClass,
    clockAccuracy: hex(set.clockQuality.clockAccuracy, 2),
    offsetScaledLogVariance: hex(set.clockQuality.offsetScaledLogVariance, 4),
    priority2: set.priority2,
    clockIdentity: clock(set.clockIdentity),
    domainNumber: set.domainNumber,
  }),
  CURRENT_DATA_SET: (set) => ({
    stepsRemoved: set.stepsRemoved,
    offsetFromMaster: scaled(set.offsetFromMasterScaledNs),
    meanPathDelay: scaled(set.meanPathDelayScaledNs),
  }),
  PARENT_DATA_SET: (set) => ({
    parentPortIdentity: port(set.parentPortIdentity),
    parentStats: Number(set.parentStats),
    observedParentOffsetScaledLogVariance: hex(set.observedParentOffsetScaledLogVariance, 4),
    observedParentClockPhaseChangeRate: hex(set.observedParentClockPhaseChangeRate >>> 0, 8),
    grandmasterPriority1: set.grandmasterPriority1,
    'gm.ClockClass': set.grandmasterClockQuality.clockClass,
    'gm.ClockAccuracy': hex(set.grandmasterClockQuality.clockAccuracy, 2),
    'gm.OffsetScaledLogVariance': hex(set.grandmasterClockQuality.offsetScaledLogVariance, 4),
    grandmasterPriority2: set.grandmasterPriority2,
    grandmasterIdentity: clock(set.grandmasterIdentity),
  }),
  TIME_PROPERTIES_DATA_SET: (set) => ({
    currentUtcOffset: set.currentUtcOffset,
    ...timeFlags(set),
    timeSource: hex(set.timeSource, 2),
  }),
  TIME_STATUS_NP: (set) => ({
    master_offset: set.masterOffsetNs,
    ingress_time: set.ingressTimeNs,
    cumulativeScaledRateOffset: `${set.cumulativeScaledRateOffset < 0 ? '' : '+'}${(
      set.cumulativeScaledRateOffset /
      2 ** 41
    ).toFixed(9)}`,
    scaledLastGmPhaseChange: set.scaledLastGmPhaseChange,
    gmTimeBaseIndicator: set.gmTimeBaseIndicator,
    lastGmPhaseChange:
      `${hex(set.lastGmPhaseChange.nanosecondsHigh, 4)}'` +
      `${hex(set.lastGmPhaseChange.nanosecondsLow, 16).slice(2)}.` +
      hex(set.lastGmPhaseChange.fraction, 4).slice(2),
    gmPresent: String(set.gmPresent),
    gmIdentity: clock(set.gmIdentity),
  }),
  GRANDMASTER_SETTINGS_NP: (set) => ({
    clockClass: set.clockQuality.clockClass,
    clockAccuracy: hex(set.clockQuality.clockAccuracy, 2),
    offsetScaledLogVariance: hex(set.clockQuality.offsetScaledLogVariance, 4),
    currentUtcOffset: set.currentUtcOffset,
    ...timeFlags(set),
    timeSource: hex(set.timeSource, 2),
  }),
  PORT_DATA_SET: (set) => ({
    portIdentity: port(set.portIdentity),
    portState: set.portState,
    logMinDelayReqInterval: set.logMinDelayReqInterval,
    peerMeanPathDelay: set.peerMeanPathDelayScaledNs >> 16n,
    logAnnounceInterval: set.logAnnounceInterval,
    announceReceiptTimeout: set.announceReceiptTimeout,
    logSyncInterval: set.logSyncInterval,
    delayMechanism: set.delayMechanism,
    logMinPdelayReqInterval: set.logMinPdelayReqInterval,
    versionNumber: set.versionNumber,
  }),
  PORT_DATA_SET_NP: (set) => ({
    neighborPropDelayThresh: set.neighborPropDelayThreshNs,
    asCapable: Number(set.asCapable),
  }),
  PORT_STATS_NP: (set) => ({
    portIdentity: port(set.portIdentity),
    ...counts('rx', set.received),
    ...counts('tx', set.sent),
  }),
  PORT_PROPERTIES_NP: (set) => ({
    portIdentity: port(set.portIdentity),
    portState: set.portState,
    timestamping: set.timestamping,
    interface: Buffer.from(set.interface).toString('utf8'),
  }),
  PRIORITY1: (set) => ({ priority1: set.value }),
  PRIORITY2: (set) => ({ priority2: set.value }),
  DOMAIN: (set) => ({ domainNumber: set.value }),
  SLAVE_ONLY: (set) => ({ slaveOnly: Number((set.value & 0x02) !== 0) }),
  CLOCK_ACCURACY: (set) => ({ clockAccuracy: hex(set.value, 2) }),
  TRACEABILITY_PROPERTIES: (set) => ({
    timeTraceable: Number((set.value & 0x10) !== 0),
    frequencyTraceable: Number((set.value & 0x20) !== 0),
  }),
  TIMESCALE_PROPERTIES: (set) => ({ ptpTimescale: Number((set.value & 0x08) !== 0) }),
  LOG_ANNOUNCE_INTERVAL: (set) => ({ logAnnounceInterval: set.value }),
  ANNOUNCE_RECEIPT_TIMEOUT: (set) => ({ announceReceiptTimeout: set.value }),
  LOG_SYNC_INTERVAL: (set) => ({ logSyncInterval: set.value }),
  VERSION_NUMBER: (set) => ({ versionNumber: set.value & 0x0f }),
  DELAY_MECHANISM: (set) => ({ delayMechanism: set.value }),
  LOG_MIN_PDELAY_REQ_INTERVAL: (set) => ({ logMinPdelayReqInterval: set.value }),
  SYNCHRONIZATION_UNCERTAIN_NP: (set) => ({ uncertain: set.value }),
};

function timeFlags(set: PtpTimeFlags): Lines {
  return {
    leap61: Number(set.leap61),
    leap59: Number(set.leap59),
    currentUtcOffsetValid: Number(set.currentUtcOffsetValid),
    ptpTimescale: Number(set.ptpTimescale),
    timeTraceable: Number(set.timeTraceable),
    frequencyTraceable: Number(set.frequencyTraceable),
  };
}

function counts(way: 'rx' | 'tx', by: PtpMessageCounts): Lines {
  return {
    [`${way}_Sync`]: by.sync,
    [`${way}_Delay_Req`]: by.delayReq,
    [`${way}_Pdelay_Req`]: by.pdelayReq,
    [`${way}_Pdelay_Resp`]: by.pdelayResp,
    [`${way}_Follow_Up`]: by.followUp,
    [`${way}_Delay_Resp`]: by.delayResp,
    [`${way}_Pdelay_Resp_Follow_Up`]: by.pdelayRespFollowUp,
    [`${way}_Announce`]: by.announce,
    [`${way}_Signaling`]: by.signaling,
    [`${way}_Management`]: by.management,
  };
}

function hex(value: number | bigint, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

function clock(identity: string): string {
  return `${identity.slice(0, 6)}.${identity.slice(6, 10)}.${identity.slice(10)}`;
}

function port({ clockIdentity, portNumber }: PtpPortIdentity): string {
  return `${clock(clockIdentity)}-${portNumber}`;
}

function scaled(value: bigint): string {
  return (Number(value) / 65536).toFixed(1);
}
