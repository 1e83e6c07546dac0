/**
 * What happened: the envelopes under the statement, where they stand, and what was opened of them.
 */
import { equalBytes } from '../bytes.ts';
import type { Commitment } from '../commitment.ts';
import { verifyOpening } from '../commitment.ts';
import { leafHash, verifyInclusion } from '../merkle.ts';
import type { EntryTime } from '../entry.ts';
import { statementHash } from '../statement.ts';
import type { Evidence, Statement } from './evidence.ts';
import { failed, mustHold, skipped, unverifiable } from './finding.ts';

/**
 * Each statement was made for this ledger, for the session that the entry names, and after the one
 * before it in the session, where that is here.
 */
export function checkBinding(evidence: Evidence): string {
  if (evidence.statements.length === 0) throw skipped('no statement is needed');
  for (const { item, signed } of evidence.statements) {
    const session = evidence.sessionAt(item.entry.sessionIndex);
    mustHold(
      equalBytes(signed.content.ledgerId, evidence.genesis.ledgerId),
      `statement ${item.index} was made for another ledger`,
    );
    mustHold(
      equalBytes(signed.content.sessionId, session.item.leafHash),
      `statement ${item.index} was made in another session`,
    );
    requireSuccession(evidence, { item, signed });
  }
  return 'statements were made for this ledger and session';
}

function requireSuccession(evidence: Evidence, { item, signed }: Statement): void {
  const before = evidence.statements.find(
    (other) =>
      other.item.entry.sessionIndex === item.entry.sessionIndex &&
      endOf(other) === signed.content.firstSequence,
  );
  if (before === undefined) return;
  mustHold(
    before.item.index < item.index &&
      equalBytes(signed.content.previousStatementHash, statementHash(before.item.entry.statement)),
    `statement ${item.index} was made after another one than ${before.item.index}`,
  );
}

/** Sequence of the action after the statement's last. */
function endOf({ signed: { content } }: Statement): bigint {
  return content.firstSequence + BigInt(content.actionCount);
}

/** Each action stands where its sequence puts it behind its statement (SPEC.md §7.1). */
export function checkPosition(evidence: Evidence): string {
  if (evidence.actions.length === 0) throw skipped('no action is here');
  for (const action of evidence.actions) {
    const { index, entry } = action.item;
    const statement = evidence.statementOf(action);
    const offset = entry.sequence - statement.signed.content.firstSequence;
    const expected = statement.item.index + 1n + offset;
    mustHold(index === expected, `action ${index} belongs at index ${expected}`);
    mustHold(
      entry.appliance === statement.item.entry.appliance &&
        entry.writerLevel === statement.item.entry.writerLevel,
      `action ${index} came from another appliance or writer than its statement`,
    );
    mustHold(
      areSameTimes(entry.time, statement.item.entry.time),
      `action ${index} came at another time than its statement`,
    );
  }
  return 'actions follow their statements without a gap';
}

/** Each envelope is under the root that the agent signed. */
export function checkEnvelopes(evidence: Evidence): string {
  if (evidence.actions.length === 0) throw skipped('no action is here');
  for (const action of evidence.actions) {
    const { index, entry } = action.item;
    const { content } = evidence.statementOf(action).signed;
    const path = evidence.bundle.envelopePaths.find((candidate) => candidate.index === index)?.path;
    const claim = {
      index: entry.sequence - content.firstSequence,
      size: BigInt(content.actionCount),
      leafHash: leafHash(entry.envelope),
      root: content.root,
    };
    mustHold(
      path !== undefined && verifyInclusion(claim, path),
      `the envelope of action ${index} is not what the agent signed`,
    );
  }
  return 'envelopes are what the agent signed';
}

/** Each disclosed body is what was committed to. */
export function checkDisclosures(evidence: Evidence): string {
  const { disclosures } = evidence.bundle;
  if (disclosures.length === 0) throw skipped('nothing was disclosed');
  for (const { index, ...opening } of disclosures) {
    const commitment = commitmentsAt(evidence, index).find(({ field }) => field === opening.field);
    if (commitment === undefined) throw failed(`entry ${index} committed to no ${opening.field}`);
    mustHold(
      verifyOpening(commitment, opening),
      `the disclosed ${opening.field} of entry ${index} is not what was committed to`,
    );
  }
  return disclosures
    .map(({ index, field }) => `${field} of entry ${index} is as committed`)
    .join('; ');
}

/**
 * Each outcome answers an earlier intent of the same agent. The agent alone says which, so that a
 * wrong answer leaves the question open and does not make the ledger's evidence false.
 */
export function checkIntents(evidence: Evidence): string {
  const outcomes = evidence.actions.filter(({ envelope }) => envelope.kind === 'outcome');
  if (outcomes.length === 0) throw skipped('no outcome is here');
  for (const { item, envelope } of outcomes) {
    const intent = envelope.intent && evidence.findAction(envelope.intent);
    if (intent === undefined) {
      throw unverifiable(`the intent that outcome ${item.index} names is not here`);
    }
    const { index } = intent.item;
    if (intent.envelope.kind !== 'intent' || index >= item.index) {
      throw unverifiable(
        `outcome ${item.index} answers entry ${index}, which is no earlier intent`,
      );
    }
    if (!evidence.areOfOneAgent(intent, { item, envelope })) {
      throw unverifiable(`outcome ${item.index} answers entry ${index}, another agent's intent`);
    }
  }
  return outcomes
    .map(({ item, envelope }) => `outcome ${item.index} (${envelope.status}) answers its intent`)
    .join('; ');
}

function areSameTimes(left: EntryTime, right: EntryTime): boolean {
  const names = Object.keys(left) as (keyof EntryTime)[];
  return names.every((name) => left[name] === right[name]);
}

function commitmentsAt(evidence: Evidence, index: bigint): readonly Commitment[] {
  const action = evidence.actions.find(({ item }) => item.index === index);
  if (action !== undefined) return action.envelope.commitments;
  const entry = evidence.itemAt(index)?.entry;
  return entry !== undefined && 'commitments' in entry ? entry.commitments : [];
}
