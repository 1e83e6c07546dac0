/**
 * Ledgers that take their time from evidence of named sources: a profile that an operator ordered,
 * evidence made of a simulated world's datagrams, and entries timed by its segment.
 */
import type { Disclosure } from '../../src/bundle.ts';
import type { Opening } from '../../src/commitment.ts';
import { makeCommitment } from '../../src/commitment.ts';
import type { Entry } from '../../src/entry.ts';
import type { OperatorOrder } from '../../src/operator-order.ts';
import { encodeOperatorOrder } from '../../src/operator-order.ts';
import { encodeSshsig } from '../../src/sshsig.ts';
import type { LeapSeconds } from '../../src/tai.ts';
import { LEAP_TABLE } from '../../src/tai.ts';
import { encodeClockState } from '../../src/time/clock-state.ts';
import type { RawTimeEvidence, TimeFrame } from '../../src/time/raw-time-evidence.ts';
import { encodeRawTimeEvidence } from '../../src/time/raw-time-evidence.ts';
import { makeTimeEvidence } from '../../src/time/recompute.ts';
import type { Segment } from '../../src/time/segment.ts';
import { readSegment } from '../../src/time/segment.ts';
import type { SourcedTimeEvidence } from '../../src/time/sourced-evidence.ts';
import { encodeSourcedTimeEvidence } from '../../src/time/sourced-evidence.ts';
import type { TimeProfile } from '../../src/time/time-profile.ts';
import { encodeTimeProfile } from '../../src/time/time-profile.ts';
import { PROFILE, PTP_PINS, PTP_SOURCE } from '../support/time-profiles.ts';
import { receiverFrames } from '../support/gnss-world.ts';
import type { ReceiverScript } from '../support/scripted-receiver.ts';
import type { World } from '../support/time-world.ts';
import { TimeWorld, WORLD_START_TAI_NS } from '../support/time-world.ts';
import { buildBundle } from './build-bundle.ts';
import type { AnchorDraft, Flaws } from './flaws.ts';
import { seed } from './keys.ts';
import type { CorpusLedger } from './ledger.ts';
import type { OperatorKey } from './operators.ts';
import { operatorKey } from './operators.ts';
import type { Exhibit, ScenarioOptions } from './scenario.ts';
import { playScenario } from './scenario.ts';

const SECOND_NS = 1_000_000_000n;
/** The world runs so long before the ledger's first entry. */
const LEAD_SECONDS = 10;
const POLLS = 7;
/** CLOCK_MONOTONIC_RAW of the world at the ledger's first entry, give or take its drift. */
const RAW_AT_START_NS = BigInt(LEAD_SECONDS + 1) * SECOND_NS;
const HOUR_NS = 3_600n * SECOND_NS;

export const ada = operatorKey('ada', 'ssh-ed25519');
export const OPERATORS = [{ name: 'ada', sshPublicKey: ada.line }] as const;

const CALM: World = {
  seed: 11,
  startTaiNs: WORLD_START_TAI_NS - BigInt(LEAD_SECONDS) * SECOND_NS,
  drift: 0,
  driftMax: 20e-6,
  delayNs: [20_000, 22_000],
  jitterNs: 4_000,
  startErrorNs: 300_000,
  attack: () => [0, 0],
};

/** A profile small enough that a bundle stays small. */
export const CORPUS_PROFILE: TimeProfile = {
  ...PROFILE,
  sources: [{ ...PTP_SOURCE, kind: 'ptp', pins: { ...PTP_PINS, delayFilterLength: 2 } }],
  limits: { ...PROFILE.limits, windowMs: 4_000, samplesMin: 4, lockMs: 20_000 },
};

export interface TimedChoices {
  readonly profile?: TimeProfile;
  readonly world?: Partial<World>;
  /** What is otherwise for the source at one place of the profile. */
  readonly worldOf?: (place: number) => Partial<World>;
  /** What a receiver tells. */
  readonly script?: ReceiverScript;
  /** Whether evidence is made as if nothing had been latched before. */
  readonly isForgetful?: boolean;
  /** The leap seconds that the evidence is made by. */
  readonly leap?: LeapSeconds;
  readonly key?: OperatorKey;
  readonly order?: Partial<OperatorOrder>;
  /** The public part, after it was computed. */
  readonly evidence?: (evidence: SourcedTimeEvidence) => SourcedTimeEvidence;
  /** An entry that takes its time from the evidence, after it got it. */
  readonly entry?: (entry: Entry, index: bigint) => Entry;
  /** Without it the bundle does not disclose the raw part. */
  readonly isDisclosed?: boolean;
  readonly flaws?: Flaws;
  readonly scenario?: ScenarioOptions;
  /** Runs after the evidence stands, before the session opens. */
  readonly afterwards?: (ledger: CorpusLedger, stage: TimedStage) => unknown;
}

/** What has been appended of it. */
export class TimedStage {
  readonly #choices: TimedChoices;
  readonly raw: RawTimeEvidence;
  profileIndex = -1n;
  evidenceIndex = -1n;
  segment: Segment | null = null;
  /** What the next anchor holds. */
  anchored: {
    readonly evidence: Uint8Array;
    readonly commitments: AnchorDraft['commitments'];
  } | null = null;
  /** What the own time of the next anchors rests on; null for the system clock. */
  anchorsBy: { readonly index: bigint; readonly segment: Segment } | null = null;
  /** What the next evidence follows; null for none. */
  prior: SourcedTimeEvidence | null = null;
  readonly disclosures: Disclosure[] = [];
  #lastTaiNs = 0n;

  constructor(choices: TimedChoices) {
    this.#choices = choices;
    const sources = (choices.profile ?? CORPUS_PROFILE).sources.map((_, place) => place);
    const frames = sources.flatMap((place) => this.framesOf(place));
    this.raw = { version: 2, frames: frames.toSorted(byTime) };
  }

  /** What the source at `place` of the profile sent; of each in a world of its own. */
  framesOf(
    place: number,
    changes: Partial<World> = {},
    script: ReceiverScript = this.#choices.script ?? {},
  ): TimeFrame[] {
    const { profile = CORPUS_PROFILE } = this.#choices;
    const isReceiver = profile.sources[place]?.kind === 'gnss';
    const { leap = LEAP_TABLE, world, worldOf } = this.#choices;
    const { taiMinusUtcSeconds: utcOffset = 0 } = leap.steps.at(-1) ?? {};
    const chosen = { ...world, ...worldOf?.(place) };
    const { state } = { ...chosen, ...changes };
    const own = new TimeWorld({
      ...CALM,
      seed: CALM.seed + place,
      ...chosen,
      ...changes,
      state: (seconds) => ({ utcOffset, ...state?.(seconds) }),
    });
    own.run(LEAD_SECONDS - POLLS - 1);
    const frames: TimeFrame[] = [];
    for (let poll = 0; poll < POLLS; poll++) {
      own.run(1);
      frames.push(
        ...(isReceiver ? receiverFrames(own, { place, script: () => script }) : own.poll(place)),
      );
    }
    return frames;
  }

  /** Appends the profile that the operators ordered, and evidence under it. */
  begin(ledger: CorpusLedger): void {
    const { profile = CORPUS_PROFILE, key = ada } = this.#choices;
    const order = encodeOperatorOrder({
      kind: 'time-profile',
      ledgerId: ledger.ledgerId,
      nonce: seed(`nonce of the profile at ${ledger.size}`),
      expiryTaiNs: WORLD_START_TAI_NS + HOUR_NS,
      payload: encodeTimeProfile(profile),
      ...this.#choices.order,
    });
    const authorisations = [encodeSshsig(key.sign(order))];
    this.profileIndex = ledger.append({ kind: 'time.profile', order, authorisations });
    this.tell(ledger, this.raw);
  }

  /** Appends evidence of `raw`, which is in force from then on. */
  tell(ledger: CorpusLedger, raw: RawTimeEvidence, base: Segment | null = null): void {
    const told = this.#made(raw, base, false);
    const evidence = encodeSourcedTimeEvidence(told);
    const { opening, commitment } = openingOf(ledger, raw);
    const commitments = [commitment];
    const index = ledger.append({ kind: 'time-evidence', evidence, commitments });
    this.#bringIntoForce(index, told, opening);
  }

  /** Appends an anchor whose evidence is of `raw`, which is in force from then on. */
  anchor(ledger: CorpusLedger, raw: RawTimeEvidence): void {
    const told = this.#made(raw, null, true);
    const { opening, commitment } = openingOf(ledger, raw);
    this.anchored = { evidence: encodeSourcedTimeEvidence(told), commitments: [commitment] };
    const index = ledger.anchor('counter-anchor');
    this.anchored = null;
    this.disclosures.length = 0; // nothing rests on what was told before
    this.#bringIntoForce(index, told, opening);
  }

  #made(raw: RawTimeEvidence, base: Segment | null, isInAnchor: boolean): SourcedTimeEvidence {
    const { profile = CORPUS_PROFILE, leap = LEAP_TABLE, isForgetful } = this.#choices;
    const told = this.prior;
    const verdicts = told?.verdicts.map((verdict) => ({ ...verdict, latched: [] })) ?? [];
    const prior = told !== null && isForgetful === true ? { ...told, verdicts } : told;
    const computed = makeTimeEvidence(
      { profile, raw, leap, base, prior, isInAnchor },
      {
        cause: isInAnchor ? 'anchor' : base === null ? 'start' : 'change',
        profileIndex: this.profileIndex,
        baseEvidenceIndex: base === null ? null : this.evidenceIndex,
        priorEvidenceIndex: prior === null ? null : this.evidenceIndex,
      },
    );
    return this.#choices.evidence?.(computed) ?? computed;
  }

  #bringIntoForce(index: bigint, told: SourcedTimeEvidence, opening: Opening): void {
    const { segment } = told;
    this.prior = told;
    this.evidenceIndex = index;
    this.disclosures.push({ index, ...opening });
    this.segment = segment;
  }

  /** `entry` at the time that the segment in force gives it. */
  timed(entry: Entry, index: bigint): Entry {
    const rawNs = entry.time.monotonicRawNs + RAW_AT_START_NS;
    const own = { ...entry, time: { ...entry.time, monotonicRawNs: rawNs } };
    if (this.anchorsBy !== null && ['anchor', 'counter-anchor'].includes(entry.kind)) {
      const { index: timeEvidenceIndex, segment } = this.anchorsBy;
      const reading = readSegment(segment, rawNs, this.#lastTaiNs);
      return { ...entry, time: { ...own.time, ...reading, timeEvidenceIndex } };
    }
    const isOfItself = ['time.profile', 'time-evidence', 'anchor', 'counter-anchor', 'boot'];
    if (this.segment === null || isOfItself.includes(entry.kind)) {
      this.#lastTaiNs = entry.time.taiNs;
      return own;
    }
    const reading = readSegment(this.segment, rawNs, this.#lastTaiNs);
    this.#lastTaiNs = reading.taiNs;
    const time = { ...own.time, ...reading, timeEvidenceIndex: this.evidenceIndex };
    return this.#choices.entry?.({ ...entry, time }, index) ?? { ...entry, time };
  }
}

/**
 * Evidence that locks, and with the grandmaster gone evidence that goes on from it, taken when the
 * machine had been suspended for so much longer.
 */
export function heldOverAfter(suspendedNs: bigint): NonNullable<TimedChoices['afterwards']> {
  return (ledger, stage) => {
    stage.disclosures.length = 0; // nothing rests on what was told before
    stage.tell(ledger, { version: 2, frames: withState(stage.raw.frames, 0n) });
    const silent = stage.framesOf(0, { state: () => ({ portState: 4, ingressNs: 0n }) });
    stage.tell(ledger, { version: 2, frames: withState(silent, suspendedNs) }, stage.segment);
  };
}

function withState(frames: readonly TimeFrame[], suspendedNs: bigint): TimeFrame[] {
  const rawNs = frames.at(-1)?.rawAfterNs ?? 0n;
  const bytes = encodeClockState({ suspendedNs, kernel: null });
  const at = { rawBeforeNs: rawNs, rawAfterNs: rawNs, clockNs: null };
  return [...frames, { source: 0, kind: 'clock-bracket', ...at, bytes }];
}

function byTime(left: TimeFrame, right: TimeFrame): number {
  return left.rawAfterNs < right.rawAfterNs ? -1 : 1;
}

function openingOf(
  { size }: CorpusLedger,
  raw: RawTimeEvidence,
): { readonly opening: Opening; readonly commitment: AnchorDraft['commitments'][number] } {
  const opening = {
    field: 'rawTimeEvidence',
    salt: seed(`salt of the evidence at ${size}`),
    bytes: encodeRawTimeEvidence(raw),
  } as const;
  const commitment = makeCommitment(opening, { mediaType: null, deposited: true });
  return { opening, commitment: { ...commitment, field: opening.field } };
}

/** The hooks by which a scenario takes its time from evidence. */
export function timedScenario(choices: TimedChoices = {}): {
  readonly stage: TimedStage;
  readonly flaws: Flaws;
  readonly options: ScenarioOptions;
} {
  const stage = new TimedStage(choices);
  const flaws: Flaws = {
    operators: [...OPERATORS],
    ...choices.flaws,
    entry(entry, index) {
      const flawed = choices.flaws?.entry?.(entry, index) ?? entry;
      return stage.timed(flawed, index);
    },
    get sourcedEvidence() {
      return stage.anchored?.evidence;
    },
    anchor: (draft) => ({ ...draft, ...stage.anchored }),
    evidence: (reading) => ({
      ...reading,
      monotonicRawNs: reading.monotonicRawNs + RAW_AT_START_NS,
    }),
  };
  const options: ScenarioOptions = {
    ...choices.scenario,
    beforeSession(ledger) {
      stage.begin(ledger);
      choices.afterwards?.(ledger, stage);
    },
  };
  return { stage, flaws, options };
}

/** The intent of a scenario that takes its time from evidence. */
export async function ofTimed(choices: TimedChoices = {}): Promise<Exhibit> {
  const { stage, flaws, options } = timedScenario(choices);
  const { ledger, intent } = playScenario(flaws, options);
  const disclosures = choices.isDisclosed === false ? [] : stage.disclosures;
  const bytes = await buildBundle(ledger.source(), intent, disclosures);
  return { bytes, policy: ledger.policy({ minimumTimeLevel: 'UNKNOWN' }) };
}
