/** What this package knows of clocks and of the devices and services that tell the time. */

// The segment clock.
export { affineTai, grownNs, PPB, readingAt, readSegment, weakerLevel } from './segment.ts';
export type { Segment, SegmentReading } from './segment.ts';

// Time profiles and time evidence version 2 (SPEC.md §9.3, §9.4).
export {
  decodeTimeProfile,
  encodeTimeProfile,
  formatTimeProfile,
  parseTimeProfile,
  TIME_PROFILE_SIZE_BYTES_MAX,
  TIME_SOURCES_MAX,
  timeProfileFromJson,
} from './time-profile.ts';
export type { TimeProfile } from './time-profile.ts';
export { DELAY_MECHANISMS, DISCIPLINED_CLOCKS, SOURCE_KINDS } from './time-source.ts';
export type { GnssPins, PtpPins, TimeSource, TimeSourceKind } from './time-source.ts';
export {
  decodeRawTimeEvidence,
  encodeRawTimeEvidence,
  RAW_TIME_EVIDENCE_SIZE_BYTES_MAX,
  TIME_FRAME_KINDS,
  TIME_FRAME_SIZE_BYTES_MAX,
  TIME_FRAMES_MAX,
} from './raw-time-evidence.ts';
export type { RawTimeEvidence, TimeFrame, TimeFrameKind } from './raw-time-evidence.ts';
export { decodeSourcedTimeEvidence, encodeSourcedTimeEvidence } from './sourced-evidence.ts';
export type { SourcedTimeEvidence, SourceVerdict } from './sourced-evidence.ts';
export { EVIDENCE_CAUSES, isBreak } from './evidence-cause.ts';
export type { EvidenceCause } from './evidence-cause.ts';
export { encodeClockState, isContinuous, SUSPEND_MIN_NS, suspendedNsOf } from './clock-state.ts';
export type { ClockState } from './clock-state.ts';
export { decodePhcWay, encodePhcWay, PHC_RUNGS, PHC_SYSTEM_CLOCKS } from './phc-reading.ts';
export type { PhcWay } from './phc-reading.ts';
export { ptpAnnounced } from './ptp-announced.ts';
export { makeTimeEvidence, recompute } from './recompute.ts';
export type { PriorEvidence, TimeComputation, TimeEvidenceInput } from './recompute.ts';
export { levelOf } from './level.ts';
export type { Standing } from './level.ts';
export { ADVERSARIAL_FORMULA, STATISTICAL_FORMULA } from './window.ts';
export { LATCHED_PROBLEMS, SKY_STATES, SOURCE_PROBLEMS, SOURCE_STATES } from './source-verdict.ts';
export type { Sky, SkyState, SourceProblem, SourceState } from './source-verdict.ts';

// GNSS receivers.
export { NMEA_SENTENCE_SIZE_BYTES_MAX, parseNmea } from './nmea.ts';
export type { Gga, Gsa, NmeaSentence, OtherNmea, Rmc, Zda } from './nmea.ts';
export type { NmeaPosition, NmeaTime } from './nmea-fields.ts';
export { encodeUbxFrame, parseUbxFrame, UBX_PAYLOAD_SIZE_BYTES_MAX } from './ubx-frame.ts';
export type { UbxFrame } from './ubx-frame.ts';
export { parseUbx, UBX_IDS } from './ubx.ts';
export { encodeUbxPoll } from './ubx-poll.ts';
export type { UbxQuestion } from './ubx-poll.ts';
export type { DecodedUbx, OtherUbx, UbxMessage } from './ubx.ts';
export type { NavPvt, NavStatus, NavTimeLs, NavTimeUtc, TimTp, UbxUtc } from './ubx-navigation.ts';
export type { MonHw, MonRf, RadioState, SecSig, SecUniqId } from './ubx-monitoring.ts';
export { GNSS_PENDING_SIZE_BYTES_MAX, GnssSplitter } from './gnss-stream.ts';
export type { GnssPiece } from './gnss-stream.ts';
export { GnssIntegrity } from './gnss-integrity.ts';
export type { GnssEpoch, GnssOptions, ReceiverAccount, TimeBound } from './gnss-integrity.ts';

// PTP management messages (IEEE 1588-2019 §15).
export {
  decodePtpManagement,
  encodePtpGet,
  encodePtpSubscribe,
  PTP_ACTIONS,
  PTP_ALL_PORTS,
  PTP_EVENTS,
  PTP_MESSAGE_SIZE_BYTES_MAX,
} from './ptp-management.ts';
export type {
  PtpAction,
  PtpDataSet,
  PtpErrorName,
  PtpEvent,
  PtpManagementBody,
  PtpManagementMessage,
  PtpRequestHead,
  PtpSubscription,
} from './ptp-management.ts';
export { PTP_MANAGEMENT_IDS, ptpManagementName } from './ptp-management-ids.ts';
export type { PtpManagementName } from './ptp-management-ids.ts';
export type * from './ptp-clock-sets.ts';
export { PTP_PORT_STATES } from './ptp-port-sets.ts';
export type * from './ptp-port-sets.ts';
export type * from './ptp-small-sets.ts';
export type { PtpClockQuality, PtpPortIdentity } from './ptp-reader.ts';

// What the processes that read clocks hand to the daemon.
export {
  decodeTimeNote,
  encodeTimeNote,
  encodeTimeRecord,
  TIME_NOTE_CODES,
  TimeRecordSplitter,
} from './time-stream.ts';
export type { TimeNote, TimeNoteCode, TimeRecord } from './time-stream.ts';
export { TimeRecordWriter } from './time-record-writer.ts';
export type { TimeNoteDetails, TimeRecordSink } from './time-record-writer.ts';
