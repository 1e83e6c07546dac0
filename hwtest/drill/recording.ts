/**
 * What a drill computed, with the frames that it was computed of and the truth: vectors that proof
 * replays (daemon/proof/test/time/drills.test.ts). One at each change of the level, and each whose
 * truth was outside.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  affineTai,
  encodeBase64,
  encodeRawTimeEvidence,
  encodeTimeProfile,
  type Segment,
  type TimeComputation,
  type TimeEvidenceInput,
} from '@kudurru/proof';

import type { Clocks } from '../lab/clocks.ts';

export interface Computed {
  readonly input: TimeEvidenceInput;
  readonly computation: TimeComputation;
}

export class Recording {
  readonly #clocks: Clocks;
  readonly #vectors: object[] = [];
  #level = '';

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
  }

  take({ input, computation }: Computed): void {
    const { segment, takenRawNs, verdicts } = computation;
    const truthNs = this.#clocks.truthAt(takenRawNs);
    const errorNs = truthNs - affineTai(segment, takenRawNs);
    const sizeNs = errorNs < 0n ? -errorNs : errorNs;
    const { level, adversarialNs } = segment;
    const isOutside = adversarialNs !== null && sizeNs > adversarialNs;
    if (level === this.#level && !(isOutside && level === 'LOCKED')) return;
    this.#level = level;
    this.#vectors.push({
      level,
      truthNs: String(truthNs),
      verdicts: verdicts.map(({ state, problems }) => [state, ...problems].join(' ')),
      profile: encodeBase64(encodeTimeProfile(input.profile)),
      raw: encodeBase64(encodeRawTimeEvidence(input.raw)),
      taiMinusUtcSeconds: input.taiMinusUtcSeconds,
      leapListExpiryUnixSeconds: input.leapListExpiryUnixSeconds,
      base: input.base === null ? null : segmentJson(input.base),
    });
  }

  write(folder: string, drill: string): void {
    mkdirSync(folder, { recursive: true });
    const text = JSON.stringify({ drill, vectors: this.#vectors }, null, 2);
    writeFileSync(join(folder, `${drill}.json`), `${text}\n`);
  }
}

function segmentJson(segment: Segment): object {
  const entries = Object.entries(segment).map(([name, value]: [string, unknown]) => {
    return [name, typeof value === 'bigint' ? String(value) : value];
  });
  return Object.fromEntries(entries) as object;
}
