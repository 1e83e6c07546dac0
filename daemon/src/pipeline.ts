/**
 * The life of an entry, top to bottom. Work flows in batches: while one is made durable, intake
 * gathers the next and its signatures are checked.
 *
 *   intake    submissions, chunks of large bodies, session requests; each stamped when it came
 *   identity  the signatures of all submissions
 *   rules     none in force: the ledger says so in each action's entry
 *   ledger    the chunks, then one group; one fdatasync
 *   intake    receipts and refusals
 *   identity  sessions opened, taken up and closed, each in the ledger before its agent is told
 *   anchor    told that there is more to anchor, and who waits for it
 *
 * Submissions of scopes whose keys are in use take these steps in native code, from thread to
 * thread (native/src/binding/conveyor.h). Here comes what somebody must decide about: submissions
 * of a new scope take the same steps below, and nothing overtakes them; session requests come after
 * the submissions that came before them.
 */
import type { Awaiting } from './anchor/receipts.ts';
import { leafIndex } from './base/units.ts';
import type { SessionRequests } from './identity/session-requests.ts';
import type { AgentDoor, IntakeBatch, LeapStepNs } from './intake/agent-door.ts';
import type { Ledger } from './ledger/ledger.ts';

export interface PipelineStages {
  readonly intake: AgentDoor;
  readonly ledger: Ledger;
  /** For the times of submissions. */
  readonly leapSteps: readonly LeapStepNs[];
  readonly sessions: SessionRequests;
  /** Entries worth an anchor are durable; these submitters wait for it. */
  readonly noteActivity: (awaiting: readonly Awaiting[]) => void;
}

/** Runs until intake has stopped, and all it received is durable and answered. */
export async function runPipeline(stages: PipelineStages): Promise<void> {
  const { intake, ledger, leapSteps } = stages;
  intake.connect(ledger.native, leapSteps);
  try {
    for (let batch = await intake.next(); batch !== null; batch = await intake.next()) {
      await decide(stages, batch);
    }
  } catch (error) {
    void intake.stop();
    throw error;
  }
}

async function decide(stages: PipelineStages, batch: IntakeBatch): Promise<void> {
  const { intake, ledger, sessions, noteActivity } = stages;
  const { committed } = batch;
  if (committed.actions > 0) noteActivity(committed.waiters.map(awaitingOf));
  if (batch.items + batch.chunks > 0) {
    await Promise.all([intake.verify(batch), ledger.useScopes(batch.scopes)]);
    await ledger.apply(batch);
  }
  const waiters = intake.answer(batch);
  if (batch.actions > 0) noteActivity(waiters.map(awaitingOf));
  if (batch.requests.length === 0) return;
  await sessions.answer(batch.requests);
  if (batch.requests.some(({ kind }) => kind !== 'disconnected')) noteActivity([]);
}

function awaitingOf(waiter: {
  readonly connection: bigint;
  readonly firstSequence: number;
  readonly firstIndex: bigint;
}): Awaiting {
  const { connection, firstSequence, firstIndex } = waiter;
  return { connection, firstSequence, statementIndex: leafIndex(firstIndex) };
}
