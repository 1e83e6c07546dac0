/** Fuzz targets of time profiles and of both parts of time evidence: total, and of one encoding. */
import { equalBytes } from '../../src/bytes.ts';
import { ProofError } from '../../src/proof-error.ts';
import { LEAP_TABLE } from '../../src/tai.ts';
import type { RawTimeEvidence, TimeFrame } from '../../src/time/raw-time-evidence.ts';
import { decodeRawTimeEvidence, encodeRawTimeEvidence } from '../../src/time/raw-time-evidence.ts';
import { makeTimeEvidence, recompute } from '../../src/time/recompute.ts';
import type { SourcedTimeEvidence } from '../../src/time/sourced-evidence.ts';
import {
  decodeSourcedTimeEvidence,
  encodeSourcedTimeEvidence,
} from '../../src/time/sourced-evidence.ts';
import type { TimeProfile } from '../../src/time/time-profile.ts';
import { decodeTimeProfile, encodeTimeProfile } from '../../src/time/time-profile.ts';
import { encodeUbxFrame } from '../../src/time/ubx-frame.ts';
import type { FuzzTarget } from './fuzz-targets.ts';
import { nmeaSentence } from './gnss-encode.ts';
import { RECEIVER_SOURCE, receiverFrames } from './gnss-world.ts';
import { PROFILE, PTP_SOURCE } from './time-profiles.ts';
import type { World } from './time-world.ts';
import { TimeWorld } from './time-world.ts';

const CALM: World = {
  ...{ seed: 3, drift: 0, driftMax: 1e-6, delayNs: [20_000, 21_000], jitterNs: 2_000 },
  ...{ startErrorNs: 0, attack: () => [0, 0] },
};
const BOTH: TimeProfile = {
  ...PROFILE,
  sources: [PTP_SOURCE, RECEIVER_SOURCE],
  limits: { ...PROFILE.limits, windowMs: 6_000, samplesMin: 4 },
};

export const TIME_FUZZ_TARGETS: Readonly<Record<string, () => FuzzTarget>> = {
  'time-profile': () => ({
    corpus: [encodeTimeProfile(PROFILE)],
    run: (bytes) =>
      isTotal(() => {
        requireSame(encodeTimeProfile(decodeTimeProfile(bytes)), bytes);
      }),
  }),
  'raw-time-evidence': () => ({
    corpus: [rawOfAMinute()],
    run: (bytes) =>
      isTotal(() => {
        const raw = decodeRawTimeEvidence(bytes);
        requireSame(encodeRawTimeEvidence(raw), bytes);
        // Whatever the frames hold, there is a verdict.
        const nothing = { base: null, prior: null };
        recompute({ profile: PROFILE, raw, leap: LEAP_TABLE, ...nothing, isInAnchor: true });
      }),
  }),
  'sourced-evidence': () => ({
    corpus: [encodeSourcedTimeEvidence(evidenceOfAMinute().made)],
    run: (bytes) =>
      isTotal(() => {
        requireSame(encodeSourcedTimeEvidence(decodeSourcedTimeEvidence(bytes)), bytes);
      }),
  }),
  'gnss-evidence': () => ({
    corpus: [encodeRawTimeEvidence(evidenceOfAMinute().raw)],
    run(bytes) {
      let raw: RawTimeEvidence | null = null;
      const isRead = isTotal(() => {
        const { frames } = decodeRawTimeEvidence(bytes);
        raw = { version: 2, frames: frames.map(fitting) };
        encodeRawTimeEvidence(raw);
      });
      if (raw !== null && isRead) requireEvidence(raw);
      return isRead;
    },
  }),
};

/** Whatever the frames hold, there is evidence, and more to follow it, which drops no latch. */
function requireEvidence(raw: RawTimeEvidence): void {
  const input = { profile: BOTH, raw, leap: LEAP_TABLE, base: null, isInAnchor: false };
  const cause = 'change' as const;
  const told = { cause, profileIndex: 3n, baseEvidenceIndex: null, priorEvidenceIndex: 5n };
  const prior = makeTimeEvidence({ ...input, prior: null }, told);
  const next = makeTimeEvidence({ ...input, prior }, told);
  for (const evidence of [prior, next]) encodeSourcedTimeEvidence(evidence);
  for (const [source, { latched }] of prior.verdicts.entries()) {
    const after = next.verdicts[source]?.latched ?? [];
    if (latched.some((latch) => !after.includes(latch))) throw new Error('drops a latch');
  }
}

/** Of both parts of evidence: a minute of a grandmaster and of a receiver, with latches. */
function evidenceOfAMinute(): {
  readonly raw: RawTimeEvidence;
  readonly made: SourcedTimeEvidence;
} {
  const world = new TimeWorld(CALM);
  const frames = Array.from({ length: 12 }, (_, second) => {
    world.run(1);
    const script = second === 4 ? { spoofing: 3 as const } : {};
    return [...world.poll(0), ...receiverFrames(world, { place: 1, script: () => script })];
  });
  const raw: RawTimeEvidence = {
    version: 2,
    frames: frames.flat().toSorted((a, b) => Number(a.rawAfterNs - b.rawAfterNs)),
  };
  const input = { profile: BOTH, raw, leap: LEAP_TABLE, base: null, prior: null };
  const made = makeTimeEvidence(
    { ...input, isInAnchor: true },
    { cause: 'anchor', profileIndex: 3n, baseEvidenceIndex: null, priorEvidenceIndex: 4n },
  );
  return { raw, made };
}

/** With a checksum that fits, which nearly every change takes from a frame. */
function fitting(frame: TimeFrame): TimeFrame {
  const { kind, bytes } = frame;
  if (kind === 'nmea') {
    const text = String.fromCharCode(...bytes.subarray(1, 80).map((byte) => byte & 0x7f));
    return { ...frame, bytes: nmeaSentence(text.replace(/\*[^]*/, '')) };
  }
  if (kind !== 'ubx') return frame;
  const [messageClass = 0, messageId = 0] = bytes.subarray(2);
  const payload = bytes.subarray(6, -2);
  return { ...frame, bytes: encodeUbxFrame({ messageClass, messageId, payload }) };
}

function rawOfAMinute(): Uint8Array {
  const world = new TimeWorld(CALM);
  const frames = Array.from({ length: 20 }, () => {
    world.run(1);
    return world.poll(0);
  });
  return encodeRawTimeEvidence({ version: 2, frames: frames.flat() });
}

function isTotal(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof ProofError) return false;
    throw error;
  }
}

function requireSame(encoded: Uint8Array, bytes: Uint8Array): void {
  if (!equalBytes(encoded, bytes)) throw new Error('decodes what it does not encode');
}
