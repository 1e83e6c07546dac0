/**
 * The table of checks, in the order in which a reader sees them. Each is independent of the others:
 * where one cannot be made because another fails, it says so for itself.
 */
import * as anchor from './check-anchor.ts';
import * as appliance from './check-appliance.ts';
import * as bundle from './check-bundle.ts';
import * as checkpoint from './check-checkpoint.ts';
import * as endorsement from './check-endorsement.ts';
import * as expectedBoot from './check-expected-boot.ts';
import * as policy from './check-policy.ts';
import { checkDecision } from './check-rules.ts';
import { checkAnchorRate } from './check-rate.ts';
import * as replay from './check-replay.ts';
import * as time from './check-time.ts';
import * as chain from './check-time-chain.ts';
import * as what from './check-what.ts';
import * as when from './check-when.ts';
import * as who from './check-who.ts';
import type { Evidence } from './evidence.ts';
import type { Question } from './finding.ts';

export interface Check {
  /** Stable name, `question.what`. */
  readonly id: string;
  readonly question: Question;
  /** Returns the sentence of its success, throws a `Finding` for everything else. */
  readonly run: (evidence: Evidence) => string | Promise<string>;
}

/** Names of the two gates: nothing can be checked in what does not decode. */
export const FORM_CHECKS = ['order.bundle-form', 'what.entry-form'] as const;

export const CHECKS: readonly Check[] = [
  check('who.ledger', policy.checkLedger),
  check('who.origin', policy.checkOrigin),
  check('who.log-key', policy.checkLogKey),
  check('who.appliance', policy.checkAppliance),
  check('who.appliances', bundle.checkAppliances),
  check('who.label', policy.checkLabel),
  check('who.endorsement', endorsement.checkEndorsement),
  check('who.attestation-key', appliance.checkAttestationKey),
  check('who.checkpoint-key', appliance.checkCheckpointKey),
  check('who.indexes', appliance.checkIndexes),
  check('who.enrolment', who.checkEnrolment),
  check('who.session', who.checkSession),
  check('who.statement', who.checkStatement),
  check('who.writer', policy.checkWriterLevel),
  check('what.binding', what.checkBinding),
  check('what.position', what.checkPosition),
  check('what.envelope', what.checkEnvelopes),
  check('what.disclosure', what.checkDisclosures),
  check('what.intent', what.checkIntents),
  check('what.coverage', policy.checkCoverage),
  check('when.boot', when.checkBoots),
  check('when.monotonic', when.checkMonotonic),
  check('when.interval', when.checkInterval),
  check('when.level', policy.checkTimeLevel),
  check('when.profile', time.checkTimeProfiles),
  check('when.evidence', time.checkTimeEvidence),
  check('when.base', chain.checkBases),
  check('when.latches', chain.checkLatches),
  check('when.leap-seconds', time.checkLeapSeconds),
  check('when.segment', time.checkSegments),
  check('when.windows', time.checkWindows),
  check('when.ladder', time.checkLadder),
  check('when.anchor-clock', anchor.checkAnchorClock),
  check('when.anchor-rate', checkAnchorRate),
  check('rules.decision', checkDecision),
  check('order.needs', bundle.checkNeeds),
  check('order.references', bundle.checkReferences),
  check('order.inclusion', bundle.checkInclusion),
  check('order.chain', bundle.checkChain),
  check('order.checkpoint-origin', checkpoint.checkCheckpointOrigin),
  check('order.log-signature', checkpoint.checkLogSignature),
  check('order.tpm-signature', checkpoint.checkTpmLine),
  check('order.cosigners', checkpoint.checkCosigners),
  check('order.anchored', anchor.checkAnchored),
  check('order.anchor-consistency', anchor.checkAnchorConsistency),
  check('order.anchor-checkpoint', anchor.checkAnchorCheckpoints),
  check('order.anchor-signatures', anchor.checkAttestSignatures),
  check('order.anchor-binding', anchor.checkAnchorBinding),
  check('order.anchor-counter', anchor.checkAnchorCounter),
  check('order.anchor-chain', anchor.checkAnchorChain),
  check('order.anchor-extras', anchor.checkAnchorExtras),
  check('order.boot-quote', expectedBoot.checkBootQuote),
  check('order.anchor-replay', replay.checkAnchorReplay),
  check('order.agent-head', anchor.checkAgentHead),
];

function check<Q extends Question>(id: `${Q}.${string}`, run: Check['run']): Check {
  return { id, question: id.slice(0, id.indexOf('.')) as Q, run };
}
