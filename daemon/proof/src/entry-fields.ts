/**
 * Fields of each kind of entry (SPEC.md §7), in their order on the wire. A kind that is not here is
 * not accepted in version 1, reserved or not.
 */
import { compareBytes, encodeUtf8 } from './bytes.ts';
import { attestBytes, label, PCR_MAX, signatureBytes } from './appliance.ts';
import { systemCommitments } from './commitment.ts';
import { ENVELOPE_SIZE_BYTES_MAX } from './envelope.ts';
import { agentIdText } from './identifier.ts';
import { NOTE_SIZE_BYTES_MAX } from './note.ts';
import { ORDER_SIZE_BYTES_MAX } from './operator-order.ts';
import type { Codec } from './schema.ts';
import {
  bytes,
  h32,
  index,
  INDEX_MAX,
  list,
  names,
  nanoseconds,
  nullable,
  record,
  refine,
  text,
  uint,
} from './schema.ts';
import { SSHSIG_SIZE_BYTES_MAX } from './sshsig.ts';
import { COSE_KEY_SIZE_BYTES_MAX } from './statement.ts';

export const ENTRY_SIZE_BYTES_MAX = 65_535;
const RULE_IDS_MAX = 64;
const AUTHORISATIONS_MAX = 16;
const REFUSAL_CODES_MAX = 256;

/** From the weakest to the strongest. */
export const TIME_LEVELS = [
  'UNKNOWN',
  'DISPUTED',
  'DEGRADED',
  'HOLDOVER',
  'LOCKED',
  'ATTESTED',
] as const;
export type TimeLevel = (typeof TIME_LEVELS)[number];

/** From the weakest to the strongest. */
export const WRITER_LEVELS = ['credentials', 'pidfd', 'pidfd-inode'] as const;
export type WriterLevel = (typeof WRITER_LEVELS)[number];

export const VERDICTS = ['none', 'permit', 'deny'] as const;
export const CLOSE_REASONS = ['closed', 'idle', 'stop', 'broken'] as const;

const count = uint(0, INDEX_MAX);
const embedded = bytes(1, ENTRY_SIZE_BYTES_MAX);
const writerLevel = names(1, WRITER_LEVELS);
const ruleIds = refine(list(text(1, 256), 0, RULE_IDS_MAX), (ids) =>
  isAscending(ids) ? null : 'is not sorted, or holds one twice',
);

/** When the daemon received the frame, or made the system entry. */
export const entryTime = record({
  taiNs: nanoseconds,
  monotonicRawNs: nanoseconds,
  bootIndex: index,
  /** Half widths; null is unknown. */
  statisticalNs: nullable(nanoseconds),
  adversarialNs: nullable(nanoseconds),
  level: names(0, TIME_LEVELS),
  timeEvidenceIndex: nullable(index),
});

const decision = record({ verdict: names(0, VERDICTS), determining: ruleIds, errors: ruleIds });
const attestation = record({ attest: attestBytes, signature: signatureBytes });

/** PCRs of the SHA-256 bank that a boot quote covers. */
const bootQuote = record({
  attest: attestBytes,
  signature: signatureBytes,
  values: refine(list(record({ pcr: uint(0, PCR_MAX), value: h32 }), 1, PCR_MAX + 1), (values) =>
    values.every(({ pcr }, i) => i === 0 || pcr > (values[i - 1]?.pcr ?? -1))
      ? null
      : 'PCRs do not ascend',
  ),
});

const anchorFields = {
  anchorSequence: index,
  previousAnchorIndex: nullable(index),
  previousAnchorLeafHash: h32,
  size: index,
  root: h32,
  agentHeadsRoot: h32,
  /** Time evidence. */
  evidence: embedded,
  counterExpected: index,
  /** Signed note of `size` and `root` with the lines of the log key and of the checkpoint key. */
  checkpoint: bytes(1, Math.min(ENTRY_SIZE_BYTES_MAX, NOTE_SIZE_BYTES_MAX)),
  left: attestation,
  right: attestation,
  counter: attestation,
  quote: nullable(attestation),
  extend: nullable(attestation),
  commitments: systemCommitments,
};

const refusal = record({ code: text(1, 64), count });

/** Kind number and fields, by kind name. */
export const ENTRY_KINDS = {
  genesis: {
    number: 0,
    fields: record({
      provisioningRecord: embedded,
      logKey: text(1, 1024),
      applianceDocument: embedded,
    }),
  },
  boot: {
    number: 1,
    fields: record({
      bootNumber: count,
      softwareVersion: text(1, 64),
      kernelBootId: bytes(16, 16),
      writerLevel,
      attestationLabel: label,
      tokenLabel: label,
      bootQuote: nullable(bootQuote),
      commitments: systemCommitments,
    }),
  },
  'unclean-start': {
    number: 2,
    fields: record({ previousBootIndex: index, treeSize: index, secondsAtRisk: count }),
  },
  'time-evidence': {
    number: 3,
    fields: record({ evidence: embedded, commitments: systemCommitments }),
  },
  'session.open': {
    number: 4,
    fields: record({
      agentIndex: index,
      sessionNumber: count,
      request: embedded,
      writerLevel,
      commitments: systemCommitments,
    }),
  },
  'session.close': {
    number: 5,
    fields: record({ sessionIndex: index, actionCount: count, reason: names(1, CLOSE_REASONS) }),
  },
  statement: {
    number: 6,
    fields: record({ sessionIndex: index, writerLevel, statement: embedded }),
  },
  action: {
    number: 7,
    fields: refine(
      record({
        sessionIndex: index,
        sequence: index,
        envelope: bytes(1, ENVELOPE_SIZE_BYTES_MAX),
        ruleSetIndex: nullable(index),
        decision,
        writerLevel,
      }),
      ({ ruleSetIndex, decision: { verdict } }) =>
        (ruleSetIndex === null) === (verdict === 'none')
          ? null
          : 'ruleSetIndex is null exactly when no rules are in force',
    ),
  },
  'agent.enrol': {
    number: 8,
    fields: record({
      agentId: agentIdText,
      owner: text(1, 256),
      purpose: text(1, 1024),
      key: bytes(1, COSE_KEY_SIZE_BYTES_MAX),
      proofOfPossession: embedded,
      enrolledBy: record({ uid: count, via: text(1, 64) }),
      commitments: systemCommitments,
      authorisations: list(embedded, 0, AUTHORISATIONS_MAX),
    }),
  },
  anchor: { number: 18, fields: record(anchorFields) },
  'counter-anchor': { number: 19, fields: record(anchorFields) },
  'refusal-summary': {
    number: 20,
    fields: record({
      fromTaiNs: nanoseconds,
      toTaiNs: nanoseconds,
      refusals: refine(list(refusal, 1, REFUSAL_CODES_MAX), (refusals) =>
        isAscending(refusals.map(({ code }) => code)) ? null : 'is not sorted by code',
      ),
    }),
  },
  stop: { number: 22, fields: record({ reason: text(1, 256), openSessions: count }) },
  restore: {
    number: 26,
    fields: record({
      /** Signed by operators (SPEC.md §2.3); its payload is a restoration (§9.1). */
      order: bytes(1, ORDER_SIZE_BYTES_MAX),
      authorisations: list(bytes(1, SSHSIG_SIZE_BYTES_MAX), 1, AUTHORISATIONS_MAX),
    }),
  },
  'time.profile': {
    number: 28,
    fields: record({
      /** Signed by operators (SPEC.md §2.3); its payload is a time profile (§9.3). */
      order: bytes(1, ORDER_SIZE_BYTES_MAX),
      authorisations: list(bytes(1, SSHSIG_SIZE_BYTES_MAX), 1, AUTHORISATIONS_MAX),
    }),
  },
  alarm: { number: 27, fields: record({ code: text(1, 64), message: text(1, 512) }) },
} as const satisfies Readonly<
  Record<string, { readonly number: number; readonly fields: Codec<unknown> }>
>;

function isAscending(texts: readonly string[]): boolean {
  const encoded = texts.map(encodeUtf8);
  return encoded.every((bytes, i) => i === 0 || compareBytes(encoded[i - 1] ?? bytes, bytes) < 0);
}
