/**
 * Makes time evidence of what the sources have said, and brings its segment into force once the
 * entry that holds it is in the log (SPEC.md §9.4 to §9.6). The numbers are proof's, made of just
 * the bytes that are kept. Entries are made when the level or a verdict changes and each minute of
 * activity; anchors take evidence of their own. Nothing is ever held up or refused here: without
 * new evidence a segment sinks by itself. Across a break of the clock that segments are drawn over
 * nothing goes on: what was heard, locked and in force before it counts no longer.
 */
import {
  decodeAnyTimeEvidence,
  encodeClockState,
  encodeRawTimeEvidence,
  encodeSourcedTimeEvidence,
  isBreak,
  LEAP_TABLE,
  makeTimeEvidence,
  ptpAnnounced,
  readSegment,
  SUSPEND_MIN_NS,
  TIME_LEVELS,
  type ClockState,
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
import { SourceWatch } from './source-watch.ts';

/** CLOCK_REALTIME between two readings of CLOCK_MONOTONIC_RAW, and what the kernel says of both. */
export interface OwnReading extends ClockState {
  readonly rawBeforeNs: bigint;
  readonly clockNs: bigint;
  readonly rawAfterNs: bigint;
}

/** What became of the kernel's clocks since they were last looked at. */
export interface Discontinuity {
  readonly cause: EvidenceCause;
  readonly message: string;
}

export interface TakenEvidence {
  /** The public part. */
  readonly evidence: Uint8Array;
  readonly raw: Uint8Array;
  readonly told: SourcedTimeEvidence;
  /** How long the machine had been suspended then. */
  readonly suspendedNs: bigint;
  /** How many breaks there were before it. */
  readonly breaks: number;
  /** What is worth an entry when it changes. */
  readonly signature: string;
}

export interface InForce {
  readonly evidenceIndex: LeafIndex;
  readonly told: SourcedTimeEvidence;
}

export interface TimekeeperOptions {
  readonly profile: TimeProfile;
  /** Of its `time.profile` entry. */
  readonly profileIndex: LeafIndex;
  /** The last evidence under this profile, of an earlier run; null where there is none. */
  readonly prior: InForce | null;
  readonly read: () => OwnReading;
  /** Why the first evidence of this run is made. */
  readonly startCause: 'start' | 'new-boot';
  /** Durable when it resolves. */
  readonly append: (taken: TakenEvidence) => Promise<LeafIndex>;
  /** The evidence is in the log; entries follow from its segment from now on. */
  readonly use: (
    segment: Segment,
    place: { readonly evidenceIndex: LeafIndex; readonly suspendedNs: bigint },
  ) => Promise<void>;
  /** From now on entries are timed by the system clock, until the next segment. */
  readonly drop: () => Promise<void>;
}

const nsPerMs = 1_000_000n;
const activityEveryNs = 60_000_000_000n;
/** A clock that is set again and again makes an entry this often; what breaks a segment always. */
const discontinuityEveryNs = 10_000_000_000n;
/** A window is judged with what was heard a little before it: pauses at its edge. */
const marginOfSilences = 2n;

export class Timekeeper {
  readonly #options: TimekeeperOptions;
  readonly #heard: HeardFrames;
  /** Where the daemon's own readings stand: at the system clock, else the first source. */
  readonly #ownSource: number;
  /** Of each source, at its place in the profile; for people. */
  readonly watches: readonly SourceWatch[];
  #latest: SourcedTimeEvidence | null = null;
  #base: InForce | null = null;
  #inForce: InForce | null = null;
  /** The evidence that was taken last of what is in the log, and whether this run took it. */
  #prior: InForce | null;
  #isPriorOwn = false;
  /** The look under way: an anchor's evidence follows what it records. */
  #looking: Promise<void> = Promise.resolve();
  /** What was recorded last, and when. */
  #recorded: { readonly signature: string; readonly rawNs: bigint } | null = null;
  #wanted = false;
  /** By the last reading. */
  #suspendedNs: bigint;
  /** A break that no entry tells yet. */
  #broken: EvidenceCause | null = null;
  #breaks = 0;
  /** What was done to a clock so shortly after that, that it is told later. */
  #untold: EvidenceCause | null = null;
  /** When a discontinuity was told last. */
  #discontinuityRawNs: bigint | null = null;

  constructor(options: TimekeeperOptions) {
    const { sources, limits } = options.profile;
    this.#options = options;
    this.#suspendedNs = options.read().suspendedNs;
    this.watches = sources.map(() => new SourceWatch());
    this.#prior = options.prior;
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

  get profile(): TimeProfile {
    return this.#options.profile;
  }

  /** What was found last, recorded or not; null before the first look. */
  get latest(): SourcedTimeEvidence | null {
    return this.#latest;
  }

  /** @throws ProofError of a note of no form */
  hear(source: number, record: TimeRecord): HeardNote | null {
    const note = this.#heard.hear(source, record);
    this.watches[source]?.hear(record);
    if (note !== null) this.watches[source]?.noted(note.code);
    return note;
  }

  /** The process of the source has ended: what it said before does not count alone. */
  lost(source: number): void {
    this.watches[source]?.lost();
    this.#heard.keepNote(source, 'process-ended', this.#options.read());
  }

  /** Something was committed, or refused for its level: new evidence is worth an entry. */
  noteActivity(): void {
    this.#wanted = true;
  }

  /** Looks at the sources; an entry where that is due. @param found of the kernel's clocks */
  async look(found: Discontinuity | null = null): Promise<void> {
    const looking = this.#look(found);
    // Whoever waits for it only waits: whether it failed is the caller's to know.
    this.#looking = looking.catch(() => undefined);
    await looking;
  }

  async #look(found: Discontinuity | null): Promise<void> {
    const own = this.#readOwn();
    if (found !== null && isBreak(found.cause)) this.#break(found.cause, own);
    const broken = this.#broken;
    if (broken !== null) await this.#options.drop();
    const last = this.#recorded;
    const cause = broken ?? this.#worthTelling(found?.cause ?? this.#untold, own);
    const taken = this.#make(own, cause ?? (last === null ? this.#options.startCause : 'change'));
    if (cause !== null || last === null || last.signature !== taken.signature) {
      await this.#record(taken);
      if (this.#broken === broken) this.#broken = null;
    } else if (this.#wanted && this.#isDue(taken.told, last.rawNs)) {
      const told = { ...taken.told, cause: 'activity' as const };
      await this.#record({ ...taken, told, evidence: encodeSourcedTimeEvidence(told) });
    }
    this.#keepOwn(own);
  }

  /** Evidence of this moment, for an anchor. */
  async take(): Promise<TakenEvidence> {
    await this.#looking;
    return this.#make(this.#readOwn(), 'anchor');
  }

  #readOwn(): OwnReading {
    const own = this.#options.read();
    if (own.suspendedNs > this.#suspendedNs + SUSPEND_MIN_NS) this.#break('suspended', own);
    this.#suspendedNs = own.suspendedNs;
    return own;
  }

  #break(cause: EvidenceCause, { rawBeforeNs }: OwnReading): void {
    this.#broken = cause;
    this.#breaks += 1;
    this.#heard.forgetBefore(rawBeforeNs);
    this.#base = null;
    this.#inForce = null;
  }

  /** Now, or later where one was told just before. */
  #worthTelling(cause: EvidenceCause | null, { rawAfterNs }: OwnReading): EvidenceCause | null {
    const last = this.#discontinuityRawNs;
    const isSoon = last !== null && rawAfterNs - last < discontinuityEveryNs;
    this.#untold = isSoon ? cause : null;
    if (cause === null || isSoon) return null;
    this.#discontinuityRawNs = rawAfterNs;
    return cause;
  }

  /** The system clock's own line, where the profile has it as a source. */
  #keepOwn(own: OwnReading): void {
    const { sources } = this.#options.profile;
    if (sources[this.#ownSource]?.kind !== 'system-clock') return;
    this.#heard.hear(this.#ownSource, this.#frameOf(own));
  }

  #frameOf(own: OwnReading): TimeFrame {
    const { rawBeforeNs, clockNs, rawAfterNs } = own;
    const bytes = encodeClockState(own);
    const source = this.#ownSource;
    return { source, kind: 'clock-bracket', rawBeforeNs, rawAfterNs, clockNs, bytes };
  }

  #make(reading: OwnReading, cause: EvidenceCause): TakenEvidence {
    const { profile, profileIndex } = this.#options;
    const own = this.#frameOf(reading);
    const raw = { version: 2, frames: this.#heard.until(own) } as const;
    const told = makeTimeEvidence(
      {
        profile,
        raw,
        leap: LEAP_TABLE,
        base: this.#base?.told.segment ?? null,
        prior: this.#prior?.told ?? null,
        isInAnchor: cause === 'anchor',
      },
      {
        ...{ cause, profileIndex },
        baseEvidenceIndex: this.#base?.evidenceIndex ?? null,
        priorEvidenceIndex: this.#prior?.evidenceIndex ?? null,
      },
    );
    this.#latest = told;
    return {
      evidence: encodeSourcedTimeEvidence(told),
      raw: encodeRawTimeEvidence(raw),
      told,
      suspendedNs: reading.suspendedNs,
      breaks: this.#breaks,
      signature: [levelTold(told), ...this.#sourcesTold(told, raw.frames)].join(' '),
    };
  }

  /**
   * The entry or anchor with this evidence is in the log. An older one than in force is passed, and
   * one from before a break.
   */
  async settle(taken: TakenEvidence, evidenceIndex: LeafIndex): Promise<void> {
    const { told, suspendedNs, signature } = taken;
    if (!this.#isPriorOwn || told.takenRawNs > (this.#prior?.told.takenRawNs ?? 0n)) {
      this.#prior = { evidenceIndex, told };
      this.#isPriorOwn = true;
    }
    if (this.#inForce !== null && told.takenRawNs < this.#inForce.told.takenRawNs) return;
    if (taken.breaks !== this.#breaks) return;
    const settled = { evidenceIndex, told };
    if (isLock(told.segment)) this.#base = settled;
    this.#recorded = { signature, rawNs: told.takenRawNs };
    // Where nothing is known of the error, the system clock's own steering is better than none.
    if (told.segment.adversarialNs === null) return;
    this.#inForce = settled;
    await this.#options.use(told.segment, { evidenceIndex, suspendedNs });
  }

  /** Evidence that an earlier run took has come into the log. */
  follow(evidence: Uint8Array, evidenceIndex: LeafIndex): void {
    const told = decodeAnyTimeEvidence(evidence);
    if (this.#isPriorOwn || told.version !== 2) return;
    if (told.profileIndex === this.#options.profileIndex) this.#prior = { evidenceIndex, told };
  }

  /** Null before the first segment: the system clock, of whose error nothing is known. */
  reading(lastTaiNs: bigint): SegmentReading | null {
    if (this.#inForce === null) return null;
    return readSegment(this.#inForce.told.segment, this.#options.read().rawAfterNs, lastTaiNs);
  }

  async #record(taken: TakenEvidence): Promise<void> {
    this.#wanted = false;
    const index = await this.#options.append(taken);
    this.#recorded = { signature: taken.signature, rawNs: taken.told.takenRawNs };
    await this.settle(taken, index);
  }

  /** Each minute of activity; sooner where the lock in force is about to end, by a new one. */
  #isDue({ takenRawNs: nowNs, segment }: SourcedTimeEvidence, lastNs: bigint): boolean {
    if (nowNs - lastNs >= activityEveryNs) return true;
    const { lockedUntilRawNs } = this.#inForce?.told.segment ?? { lockedUntilRawNs: nowNs };
    const halfLockNs = (BigInt(this.#options.profile.limits.lockMs) * nsPerMs) / 2n;
    return isLock(segment) && nowNs >= lockedUntilRawNs - halfLockNs;
  }

  /** Verdicts, and what a source announces of itself while it is healthy. */
  #sourcesTold({ verdicts }: SourcedTimeEvidence, frames: readonly TimeFrame[]): string[] {
    return verdicts.map(({ source, state, problems }) => {
      const named = this.#options.profile.sources[source];
      const said = frames.filter((frame) => frame.source === source);
      const announced = named?.kind === 'ptp' ? ptpAnnounced(said, named.pins) : '';
      return `${state}:${problems.join('+')}:${announced}`;
    });
  }
}

function isLock({ level }: Segment): boolean {
  return TIME_LEVELS.indexOf(level) >= TIME_LEVELS.indexOf('LOCKED');
}

/** Only an anchor can attest: that is no change. */
function levelTold({ segment: { level } }: SourcedTimeEvidence): string {
  return level === 'ATTESTED' ? 'LOCKED' : level;
}
