/**
 * When, by time evidence version 2 (SPEC.md §9.2 to §9.6): whoever has the bundle computes again
 * what the ledger states, from the bytes that its sources sent.
 */
import { equalBytes } from '../bytes.ts';
import { sha256 } from '../sha256.ts';
import type { LeapSeconds } from '../tai.ts';
import { LEAP_TABLE } from '../tai.ts';
import { offsetAt } from '../time/leap-seconds.ts';
import { decodeRawTimeEvidence } from '../time/raw-time-evidence.ts';
import { makeTimeEvidence } from '../time/recompute.ts';
import { affineTai, PPB, readingAt } from '../time/segment.ts';
import type { SourceState } from '../time/source-verdict.ts';
import { encodeSourcedTimeEvidence } from '../time/sourced-evidence.ts';
import { ADVERSARIAL_FORMULA, STATISTICAL_FORMULA } from '../time/window.ts';
import { requireOrdered } from './check-order.ts';
import type { Evidence, Item } from './evidence.ts';
import { failed, mustHold, skipped, unverifiable } from './finding.ts';
import { quote } from './quote.ts';
import { areOfOneBoot, rawOf, usedEvidence } from './time-items.ts';
import type { OrderedProfile, StandingEvidence } from './time-items.ts';

/** Every time profile here was ordered by operators of this ledger. */
export function checkTimeProfiles(evidence: Evidence): string {
  if (evidence.profiles.length === 0) throw skipped('no time profile is needed');
  return evidence.profiles.map((profile) => tellOrdered(evidence, profile)).join('; ');
}

/** Evidence that a time here rests on gives, computed again, what it states. */
export function checkTimeEvidence(evidence: Evidence): string {
  const used = usedEvidence(evidence);
  if (used.length === 0) throw skipped('no time here rests on evidence of named sources');
  // The worst first: what is contradicted counts for more than what is missing.
  const missing = used.filter((standing) => rawOf(evidence, standing) === undefined);
  for (const standing of used) {
    if (!missing.includes(standing)) requireRecomputed(evidence, standing);
  }
  const [first] = missing;
  if (first !== undefined) {
    throw unverifiable(`the raw part of the time evidence ${first.item.index} is not disclosed`);
  }
  const told = used.map(({ item, evidence: { segment } }) => `${item.index} ${segment.level}`);
  return `computed again from what the sources sent, with the same result: ${told.join('; ')}`;
}

/** The leap seconds of the evidence are those of our own list. */
export function checkLeapSeconds(evidence: Evidence): string {
  const used = usedEvidence(evidence);
  if (used.length === 0) throw skipped('no time here rests on evidence of named sources');
  for (const { item, evidence: told } of used) {
    const place = `time evidence ${item.index}`;
    const taiNs = affineTai(told.segment, told.takenRawNs);
    const [own, other] = [offsetAt(taiNs, LEAP_TABLE), offsetAt(taiNs, told.leapSeconds)];
    const endNs = BigInt(LEAP_TABLE.expiresUnixSeconds + own) * PPB;
    if (own !== other && taiNs > endNs) {
      throw unverifiable(`${place} is of after the end of our leap seconds`);
    }
    mustHold(own === other, `${place} has TAI − UTC = ${other} s, it was ${own} s`);
    const stray = strayStep(told.leapSeconds);
    mustHold(stray === null, `${place} knows other leap seconds than we do, at ${stray}`);
  }
  return `leap seconds as in ${LEAP_TABLE.source}`;
}

/** A step that one of the lists has and the other should have; null where they agree. */
function strayStep(told: LeapSeconds): string | null {
  const fromSeconds = told.steps[0]?.fromUnixSeconds ?? 0;
  const toSeconds = Math.min(told.expiresUnixSeconds, LEAP_TABLE.expiresUnixSeconds);
  const [mine, theirs] = [LEAP_TABLE, told].map(({ steps }) =>
    steps
      .filter(({ fromUnixSeconds: at }) => at >= fromSeconds && at <= toSeconds)
      .map(
        ({ fromUnixSeconds, taiMinusUtcSeconds }) => `${fromUnixSeconds}: ${taiMinusUtcSeconds}`,
      ),
  );
  const all = new Set([...(mine ?? []), ...(theirs ?? [])]);
  const differing = [...all].find((step) => !mine?.includes(step) || !theirs?.includes(step));
  return differing ?? null;
}

/** A segment serves the boot of the kernel that its evidence was taken in. */
export function checkSegments(evidence: Evidence): string {
  const timed = timedItems(evidence);
  if (timed.length === 0) throw skipped('no entry here takes its time from evidence');
  for (const { item, standing } of timed) {
    mustHold(
      areOfOneBoot(evidence, item, standing.item),
      `entry ${item.index} takes its time from evidence of another boot, ${standing.item.index}`,
    );
  }
  return `${timed.length} entries take their time from evidence of the same boot`;
}

/** Both windows of each entry follow from the segment that it names. */
export function checkWindows(evidence: Evidence): string {
  const timed = timedItems(evidence);
  if (timed.length === 0) throw skipped('no entry here takes its time from evidence');
  for (const { item, standing } of timed) {
    const { time } = item.entry;
    const { segment } = standing.evidence;
    mustHold(
      time.taiNs >= affineTai(segment, time.monotonicRawNs),
      `entry ${item.index} is timed before what its evidence gives`,
    );
    const reading = readingAt(segment, time.monotonicRawNs, time.taiNs);
    mustHold(
      reading.statisticalNs === time.statisticalNs && reading.adversarialNs === time.adversarialNs,
      `entry ${item.index} states windows of ${shown(time.statisticalNs)} and ` +
        `${shown(time.adversarialNs)}, its evidence gives ${shown(reading.statisticalNs)} and ` +
        shown(reading.adversarialNs),
    );
  }
  return `the windows of ${timed.length} entries are what their evidence gives`;
}

/** The level of each entry is what the segment that it names has sunk to. */
export function checkLadder(evidence: Evidence): string {
  const timed = timedItems(evidence);
  if (timed.length === 0) throw skipped('no entry here takes its time from evidence');
  for (const { item, standing } of timed) {
    const { time } = item.entry;
    const { level } = readingAt(standing.evidence.segment, time.monotonicRawNs, time.taiNs);
    mustHold(
      level === time.level,
      `entry ${item.index} states ${time.level}, its evidence gives ${level}`,
    );
  }
  return `the levels of ${timed.length} entries are what their evidence gives`;
}

/** In words: what the subject's time rests on, and what its windows do not cover. */
export function tellSources(evidence: Evidence): string | null {
  const standing = evidence.timeEvidenceAt(evidence.subject.entry.time.timeEvidenceIndex);
  if (standing === undefined) return null;
  const { liars, baseEvidenceIndex } = standing.evidence;
  const healthy = namesOf(evidence, standing, 'healthy');
  if (healthy !== '') return `by ${healthy}; ${covers(liars)}`;
  const disputing = namesOf(evidence, standing, 'disputing');
  const dispute = disputing === '' ? '' : `${disputing} contradicted what was known; `;
  const base = evidence.timeEvidenceAt(baseEvidenceIndex);
  if (base === undefined) return `${dispute}no source was healthy`;
  const last = namesOf(evidence, base, 'healthy');
  return `${dispute}by the own clock, last set by ${last}; ${covers(base.evidence.liars)}`;
}

function covers(liars: number): string {
  return (
    `the windows hold while at most ${liars} of the independent sources lie; ` +
    'the adversarial one covers delayed messages, not forged ones'
  );
}

/** The sources that evidence found to be so, with their kinds and labels. */
function namesOf(evidence: Evidence, standing: StandingEvidence, wanted: SourceState): string {
  const { verdicts, profileIndex } = standing.evidence;
  const ordered = evidence.profiles.find(({ item }) => item.index === profileIndex);
  const names = verdicts.flatMap(({ source, state }) => {
    const pinned = ordered?.profile.sources[source];
    if (state !== wanted || pinned === undefined) return [];
    return [`${quote(pinned.id)} (${pinned.kind}, ${pinned.label})`];
  });
  return names.join(' and ');
}

function tellOrdered(evidence: Evidence, ordered: OrderedProfile): string {
  const place = `time profile ${ordered.item.index}`;
  const authorisations = requireOrdered(evidence, ordered, { kind: 'time-profile', place });
  const names = authorisations.map(({ operator }) => quote(operator)).join(' and ');
  return `${place}, ${quote(ordered.profile.name)}, was ordered by ${names}`;
}

function requireRecomputed(evidence: Evidence, standing: StandingEvidence): void {
  const { item, evidence: told } = standing;
  const place = `time evidence ${item.index}`;
  const raw = rawOf(evidence, standing);
  if (raw === undefined) return;
  if (
    told.statisticalFormula !== STATISTICAL_FORMULA ||
    told.adversarialFormula !== ADVERSARIAL_FORMULA
  ) {
    throw unverifiable(`${place} is by a formula that this verifier does not know`);
  }
  mustHold(equalBytes(sha256(raw), told.rawHash), `${place}: the raw part is another one`);
  const ordered = evidence.profiles.find((each) => each.item.index === told.profileIndex);
  if (ordered === undefined) throw unverifiable(`${place}: its time profile is not here`);
  const { cause, profileIndex, baseEvidenceIndex, priorEvidenceIndex } = told;
  const base = evidence.timeEvidenceAt(baseEvidenceIndex);
  const prior = evidence.timeEvidenceAt(priorEvidenceIndex);
  requireHere(standing, base, prior);
  const computed = makeTimeEvidence(
    {
      profile: ordered.profile,
      raw: decodeRawTimeEvidence(raw),
      leap: told.leapSeconds,
      base: base?.evidence.segment ?? null,
      prior: prior?.evidence ?? null,
      isInAnchor: item.entry.kind !== 'time-evidence',
    },
    { cause, profileIndex, baseEvidenceIndex, priorEvidenceIndex },
  );
  mustHold(
    equalBytes(encodeSourcedTimeEvidence(computed), encodeSourcedTimeEvidence(told)),
    `${place} states ${told.segment.level} ± ${shown(told.segment.adversarialNs)}, ` +
      `what its sources sent gives ${computed.segment.level} ± ` +
      shown(computed.segment.adversarialNs),
  );
  mustHold(
    told.takenRawNs <= item.entry.time.monotonicRawNs,
    `${place} was taken after it was written`,
  );
}

/** What evidence names is of version 2, and here. */
function requireHere(
  { item, evidence: told }: StandingEvidence,
  base: StandingEvidence | undefined,
  prior: StandingEvidence | undefined,
): void {
  const place = `time evidence ${item.index}`;
  if (told.baseEvidenceIndex !== null && base === undefined) {
    throw failed(`${place} goes on from evidence that is not here`);
  }
  if (told.priorEvidenceIndex !== null && prior === undefined) {
    throw failed(`${place} follows evidence that is not here`);
  }
}

/** Entries whose named evidence is here and of version 2, with it. */
function timedItems(evidence: Evidence): readonly {
  readonly item: Item;
  readonly standing: StandingEvidence;
}[] {
  return evidence.items.flatMap((item) => {
    const standing = evidence.timeEvidenceAt(item.entry.time.timeEvidenceIndex);
    return standing === undefined ? [] : [{ item, standing }];
  });
}

function shown(ns: bigint | null): string {
  return ns === null ? 'unknown' : `${ns} ns`;
}
