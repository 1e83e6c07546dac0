// @kudurru/native: the typed face of the addon. Every name here checks its arguments before the
// C++ side sees them.
export { readClock, type ClockReading } from './clock.ts';
export {
  CLOCK_ATTEMPTS_MAX,
  PHC_SAMPLES_MAX,
  readBracket,
  readKernelClock,
  readPhc,
  readPulse,
  readRawNs,
  readSuspendedNs,
} from './clock-devices.ts';
export type {
  ClockBracket,
  KernelClock,
  KernelClockName,
  PhcReading,
  PhcRung,
  PulseReading,
} from './clock-devices.ts';
export { clockSteps, readClocks, watchClockSet } from './clock-steps.ts';
export type { ClockSnapshot, ClockStep } from './clock-steps.ts';
export { commitment, openBody, sealBody, type BodyKey, type PlainBody } from './body.ts';
export { cborCheck, leafHash, sha256, treeRoot, type CborVerdict } from './crypto.ts';
export { openDatagramSocket } from './datagram.ts';
export type { Datagram, DatagramOptions, DatagramSocket } from './datagram.ts';
export { FsckScan, fsckScan } from './fsck.ts';
export type { FsckEvidence, FsckFinding, FsckOptions, FsckReport, FsckStep } from './fsck.ts';
export { indexRows, type ActionColumns, type IndexRows } from './index-rows.ts';
export { peerCredentials, probeWriterLevel, startIntake } from './intake.ts';
export type * from './intake-types.ts';
export { openLedger, readLedgerId, type Ledger } from './ledger.ts';
export type * from './ledger-types.ts';
export { NativeError, type NativeFailure } from './native-error.ts';
export { notifySocket } from './notify.ts';
export { dieWithParent, dropCapabilities } from './process.ts';
export { runReadingProgram, type Reading, type ReadingProgram } from './reading-program.ts';
export { checkSubmission, type SubmissionCode, type SubmissionVerdict } from './submission.ts';
export { ED25519, ESP256, verifyBatch, verifySignature, type SignatureItem } from './verify.ts';
