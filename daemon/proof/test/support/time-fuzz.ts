/** Fuzz targets of time profiles and of both parts of time evidence: total, and of one encoding. */
import { equalBytes } from '../../src/bytes.ts';
import { ProofError } from '../../src/proof-error.ts';
import { LEAP_TABLE } from '../../src/tai.ts';
import { decodeRawTimeEvidence, encodeRawTimeEvidence } from '../../src/time/raw-time-evidence.ts';
import { recompute } from '../../src/time/recompute.ts';
import { decodeTimeProfile, encodeTimeProfile } from '../../src/time/time-profile.ts';
import type { FuzzTarget } from './fuzz-targets.ts';
import { PROFILE } from './time-profiles.ts';
import { TimeWorld } from './time-world.ts';

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
};

function rawOfAMinute(): Uint8Array {
  const world = new TimeWorld({
    ...{ seed: 3, drift: 0, driftMax: 1e-6, delayNs: [20_000, 21_000], jitterNs: 2_000 },
    ...{ startErrorNs: 0, attack: () => [0, 0] },
  });
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
