import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { sha256 } from '../../src/sha256.ts';
import type { RawTimeEvidence } from '../../src/time/raw-time-evidence.ts';
import {
  decodeRawTimeEvidence,
  encodeRawTimeEvidence,
  RAW_TIME_EVIDENCE_SIZE_BYTES_MAX,
} from '../../src/time/raw-time-evidence.ts';
import type { SourcedTimeEvidence } from '../../src/time/sourced-evidence.ts';
import {
  decodeSourcedTimeEvidence,
  encodeSourcedTimeEvidence,
} from '../../src/time/sourced-evidence.ts';
import { ADVERSARIAL_FORMULA, STATISTICAL_FORMULA } from '../../src/time/window.ts';

const bracket = {
  source: 0,
  kind: 'clock-bracket',
  rawBeforeNs: 1_000n,
  rawAfterNs: 1_040n,
  clockNs: 1_795_336_200_000_000_000n,
  bytes: new Uint8Array(0),
} as const;
const raw: RawTimeEvidence = { version: 2, frames: [bracket] };

const evidence: SourcedTimeEvidence = {
  version: 2,
  cause: 'change',
  profileIndex: 3n,
  takenRawNs: 1_040n,
  segment: {
    baseRawNs: 1_020n,
    baseTaiNs: 1_795_336_237_000_000_000n,
    ratePpb: -35_000n,
    statisticalNs: null,
    adversarialNs: null,
    statisticalGrowthPpb: 0n,
    adversarialGrowthPpb: 0n,
    level: 'UNKNOWN',
    lockedUntilRawNs: 1_020n,
    holdoverUntilRawNs: 1_020n,
    widthMaxNs: 1n,
  },
  verdicts: [
    {
      source: 0,
      state: 'unhealthy',
      problems: ['silent', 'port-not-slave'],
      latched: [],
      sky: null,
    },
  ],
  groups: 0,
  liars: 0,
  statisticalFormula: STATISTICAL_FORMULA,
  adversarialFormula: ADVERSARIAL_FORMULA,
  leapSeconds: {
    expiresUnixSeconds: 1_814_140_800,
    steps: [{ fromUnixSeconds: 1_483_228_800, taiMinusUtcSeconds: 37 }],
  },
  rawHash: sha256(encodeRawTimeEvidence(raw)),
  baseEvidenceIndex: null,
  priorEvidenceIndex: 7n,
  passedTaiNs: 1_795_336_237_000_000_000n,
};

describe('sourced-evidence', () => {
  it('has one encoding of each part', () => {
    const encoded = encodeSourcedTimeEvidence(evidence);
    assert.deepEqual(decodeSourcedTimeEvidence(encoded), evidence);
    assert.deepEqual(decodeRawTimeEvidence(encodeRawTimeEvidence(raw)), raw);
  });

  it('refuses frames out of order, and more than a body holds', () => {
    const of = (frames: RawTimeEvidence['frames']): Uint8Array =>
      encodeRawTimeEvidence({ version: 2, frames });
    const late = { ...bracket, rawBeforeNs: 0n, rawAfterNs: 1_039n };
    assert.throws(() => of([bracket, late]), { message: /not in the order of rawAfterNs/ });
    const turned = { ...bracket, rawBeforeNs: 1_041n };
    assert.throws(() => of([turned]), { message: /rawBeforeNs is after/ });
    const long = { ...bracket, kind: 'ubx', bytes: new Uint8Array(4_000) } as const;
    const many = Math.ceil(RAW_TIME_EVIDENCE_SIZE_BYTES_MAX / 4_000);
    assert.throws(() => of(Array.from({ length: many }, () => long)), { code: 'limit-exceeded' });
    assert.throws(
      () => decodeRawTimeEvidence(new Uint8Array(RAW_TIME_EVIDENCE_SIZE_BYTES_MAX + 1)),
      {
        code: 'limit-exceeded',
      },
    );
  });

  it('has one verdict a source, in order', () => {
    const [verdict] = evidence.verdicts;
    const verdicts = [{ ...verdict, source: 1 }] as never;
    assert.throws(() => encodeSourcedTimeEvidence({ ...evidence, verdicts }), {
      message: /verdicts are not one a source/,
    });
  });
});
