/**
 * Makes time evidence of what the sources have said, and brings its segment into force once the
 * entry that holds it is in the log (SPEC.md §9.4 to §9.6). The numbers are proof's, made of just
 * the bytes that are kept. Entries are made when the level or a verdict changes and each minute of
 * activity; anchors take evidence of their own. Nothing is ever held up or refused here: without
 * new evidence a segment sinks by itself.
 */
import {
  encodeRawTimeEvidence,
  encodeSourcedTimeEvidence,
  LEAP_TABLE,
  makeTimeEvidence,
  readSegment,
  taiMinusUtcSeconds,
  TIME_LEVELS,
  type EvidenceCause,
  type Segment,
  type SegmentReading,
  type SourcedTimeEvidence,
  type TimeFrame,
  type TimeProfile,
  type TimeRecord,
} from '@kudurru/proof';

import type { LeafIndex } from '../base/units.ts';
import { HeardFrames, type HeardNote } from './heard-frames.ts';

/** CLOCK_REALTIME between two readings of CLOCK_MONOTONIC_RAW. */
export interface OwnReading {
  readonly rawBeforeNs: bigint;
  readonly clockNs: bigint;
  readonly rawAfterNs: bigint;
}

export interface TakenEvidence {
  /** The public part. */
  readonly evidence: Uint8Array;
  readonly raw: Uint8Array;
  readonly told: SourcedTimeEvidence;
}

export interface InForce {
  readonly evidenceIndex: LeafIndex;
  readonly told: SourcedTimeEvidence;
}

export interface TimekeeperOptions {
  readonly profile: TimeProfile;
  /** Of its `time.profile` entry. */
  readonly profileIndex: LeafIndex;
  readonly read: () => OwnReading;
  /** Durable when it resolves. */
  readonly append: (taken: TakenEvidence) => Promise<LeafIndex>;
  /** The evidence is in the log; entries follow from its segment from now on. */
  readonly use: (segment: Segment, evidenceIndex: LeafIndex) => Promise<void>;
}

const nsPerMs = 1_000_000n;
const activityEveryNs = 60_000_000_000n;
/** A window is judged with what was heard a little before it: pauses at its edge. */
const marginOfSilences = 2n;
const lockedFrom = TIME_LEVELS.indexOf('LOCKED');

export class Timekeeper {
  readonly #options: TimekeeperOptions;
  readonly #heard: HeardFrames;
  /** Where the daemon's own readings stand: at the system clock, else the first source. */
  readonly #ownSource: number;
  #base: InForce | null = null;
  #inForce: InForce | null = null;
  /** What was recorded last, and when. */
  #recorded: { readonly signature: string; readonly rawNs: bigint } | null = null;
  #wanted = false;

  constructor(options: TimekeeperOptions) {
    const { sources, limits } = options.profile;
    this.#options = options;
    const keptMs = BigInt(limits.windowMs) + marginOfSilences * BigInt(limits.silenceMs);
    this.#heard = new HeardFrames(keptMs * nsPerMs);
    this.#ownSource = Math.max(
      sources.findIndex(({ kind }) => kind === 'system-clock'),
      0,
    );
  }

  get inForce(): InForce | null {
    return this.#inForce;
  }

  /** @throws ProofError of a note of no form */
  hear(source: number, record: TimeRecord): HeardNote | null {
    return this.#heard.hear(source, record);
  }

  /** The process of the source has ended: what it said before does not count alone. */
  lost(source: number): void {
    this.#heard.keepNote(source, 'process-ended', this.#options.read());
  }

  /** Something was committed, or refused for its level: new evidence is worth an entry. */
  noteActivity(): void {
    this.#wanted = true;
  }

  /** Looks at the sources; an entry where that is due. */
  async look(): Promise<void> {
    const taken = this.take(this.#recorded === null ? 'start' : 'change');
    const { takenRawNs } = taken.told;
    const signature = signatureOf(taken.told);
    const last = this.#recorded;
    if (last === null || last.signature !== signature) {
      await this.#record(taken, signature);
      return;
    }
    if (!this.#wanted || !this.#isDue(takenRawNs, last.rawNs)) return;
    const told = { ...taken.told, cause: 'activity' as const };
    await this.#record({ ...taken, told, evidence: encodeSourcedTimeEvidence(told) }, signature);
  }

  /** Evidence of this moment. */
  take(cause: EvidenceCause): TakenEvidence {
    const { profile, profileIndex, read } = this.#options;
    const own: TimeFrame = {
      source: this.#ownSource,
      kind: 'clock-bracket',
      ...read(),
      bytes: new Uint8Array(),
    };
    const raw = { version: 2, frames: this.#heard.until(own) } as const;
    const told = makeTimeEvidence(
      {
        profile,
        raw,
        taiMinusUtcSeconds: taiMinusUtcSeconds(own.clockNs ?? 0n, LEAP_TABLE),
        leapListExpiryUnixSeconds: LEAP_TABLE.expiresUnixSeconds,
        base: this.#base?.told.segment ?? null,
        isInAnchor: cause === 'anchor',
      },
      { cause, profileIndex, baseEvidenceIndex: this.#base?.evidenceIndex ?? null },
    );
    return { evidence: encodeSourcedTimeEvidence(told), raw: encodeRawTimeEvidence(raw), told };
  }

  /** The entry or anchor with this evidence is in the log. An older one than in force is passed. */
  async settle({ told }: TakenEvidence, evidenceIndex: LeafIndex): Promise<void> {
    if (this.#inForce !== null && told.takenRawNs < this.#inForce.told.takenRawNs) return;
    const settled = { evidenceIndex, told };
    if (TIME_LEVELS.indexOf(told.segment.level) >= lockedFrom) this.#base = settled;
    this.#recorded = { signature: signatureOf(told), rawNs: told.takenRawNs };
    // Where nothing is known of the error, the system clock's own steering is better than none.
    if (told.segment.adversarialNs === null) return;
    this.#inForce = settled;
    await this.#options.use(told.segment, evidenceIndex);
  }

  /** Null before the first segment: the system clock, of whose error nothing is known. */
  reading(lastTaiNs: bigint): SegmentReading | null {
    if (this.#inForce === null) return null;
    return readSegment(this.#inForce.told.segment, this.#options.read().rawAfterNs, lastTaiNs);
  }

  async #record(taken: TakenEvidence, signature: string): Promise<void> {
    this.#wanted = false;
    const index = await this.#options.append(taken);
    this.#recorded = { signature, rawNs: taken.told.takenRawNs };
    await this.settle(taken, index);
  }

  /** Each minute of activity; sooner where the lock in force is about to end. */
  #isDue(nowNs: bigint, lastNs: bigint): boolean {
    const { lockedUntilRawNs } = this.#inForce?.told.segment ?? { lockedUntilRawNs: nowNs };
    const halfLockNs = (BigInt(this.#options.profile.limits.lockMs) * nsPerMs) / 2n;
    return nowNs - lastNs >= activityEveryNs || nowNs >= lockedUntilRawNs - halfLockNs;
  }
}

/** What is worth an entry when it changes. Only an anchor can attest: that is no change. */
function signatureOf({ segment, verdicts }: SourcedTimeEvidence): string {
  const level = segment.level === 'ATTESTED' ? 'LOCKED' : segment.level;
  const told = verdicts.map(({ state, problems }) => `${state}:${problems.join('+')}`);
  return [level, ...told].join(' ');
}
