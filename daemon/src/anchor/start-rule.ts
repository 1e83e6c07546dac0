/**
 * What the TPM counter says about the journal when the daemon starts. The counter cannot be set
 * back, so a journal that has been, or a TPM that is another one, shows here. Nothing is repaired:
 * either the two agree, or an anchor was under way and is finished, or the daemon does not start.
 */
import { KudurruError } from '../base/errors.ts';
import type { AnchorPlan } from './plan.ts';
import type { LastAnchor } from './ports.ts';

export interface Found {
  /** Value of the TPM counter now. */
  readonly counter: bigint;
  /** Value at which this ledger got the counter, before any anchor. */
  readonly counterBase: bigint;
  /** Null when the ledger has no anchor yet. */
  readonly lastAnchor: LastAnchor | null;
  /** The newest prepare record, or null when there is none. */
  readonly lastPlan: AnchorPlan | null;
}

/**
 * The plan to finish, or null when no anchor was under way.
 * @throws KudurruError `anchor-contradiction`
 */
export function checkStart(found: Found): AnchorPlan | null {
  const { counter, lastAnchor, lastPlan } = found;
  const anchored = lastAnchor?.counterExpected ?? found.counterBase;
  const nextSequence = lastAnchor === null ? 0n : lastAnchor.anchorSequence + 1n;
  if (lastPlan === null || lastPlan.anchorSequence < nextSequence) {
    if (counter === anchored) return null;
    throw contradiction(found, anchored, 'and no increment was prepared');
  }
  if (lastPlan.anchorSequence !== nextSequence) {
    throw contradiction(found, anchored, `and anchor ${lastPlan.anchorSequence} was prepared`);
  }
  if (counter === anchored || counter === lastPlan.counterExpected) return lastPlan;
  throw contradiction(found, anchored, `and ${lastPlan.counterExpected} was prepared`);
}

function contradiction(found: Found, anchored: bigint, prepared: string): KudurruError {
  const { counter, lastAnchor } = found;
  const last =
    lastAnchor === null
      ? 'the ledger has no anchor'
      : `the last anchor is ${lastAnchor.anchorSequence} at index ${lastAnchor.index}`;
  const meaning =
    counter > anchored
      ? 'the journal is older than the TPM has seen it: restore the newer journal'
      : 'the TPM is another one, or its state was set back: use the one this ledger began with';
  return new KudurruError(
    'anchor-contradiction',
    `start refused: the TPM counter shows ${counter}, the ledger has ${anchored} ${prepared} ` +
      `(${last}); ${meaning}`,
  );
}
