/**
 * The agent socket as the rest of the daemon sees it: batches in, answers out. Thin: sockets,
 * frames, writers and queues are native, and what is decided is decided by others.
 */
import {
  startIntake,
  type Intake,
  type IntakeBatch,
  type IntakeStats,
  type IntakeWriter,
  type LeapStepNs,
  type Ledger as NativeLedger,
  type SessionBinding,
  type Waiter,
  type WriterLevel,
} from '@kudurru/native';

import { wrapError, type KudurruError } from '../base/errors.ts';

export type { IntakeBatch, IntakeStats, IntakeWriter, LeapStepNs, SessionBinding, Waiter };

export interface AgentDoorOptions {
  readonly socketPath: string;
  readonly ledgerId: Uint8Array;
  readonly origin: string;
  readonly verifyThreads: number;
  readonly connectionsMax: number;
  readonly submissionsInFlightMax: number;
  readonly queueMib: number;
  readonly agentQueueMib: number;
  readonly queueTimeMs: number;
}

/** Owner only: the socket is where an agent of this uid is told apart from a stranger. */
const socketMode = 0o600;
const bytesPerMib = 1_048_576;

export class AgentDoor {
  readonly #intake: Intake;

  /** Listens from now on. @throws KudurruError `socket-unusable` */
  constructor(options: AgentDoorOptions) {
    const { socketPath, ledgerId, origin, verifyThreads } = options;
    const limits = {
      connectionsMax: options.connectionsMax,
      inFlightMax: options.submissionsInFlightMax,
      totalBytesMax: options.queueMib * bytesPerMib,
      agentBytesMax: options.agentQueueMib * bytesPerMib,
      queueTimeMs: options.queueTimeMs,
    };
    try {
      this.#intake = startIntake({
        socketPath,
        socketMode,
        ledgerId,
        origin,
        verifyThreads,
        limits,
      });
    } catch (cause) {
      throw wrapError('socket-unusable', `agent socket "${socketPath}" not made`, cause);
    }
  }

  /** What the kernel of this box can tell of a writer. */
  get writerLevel(): WriterLevel {
    return this.#intake.writerLevel;
  }

  /** Submissions that need no decision go to this ledger by themselves, and are answered. */
  connect(ledger: NativeLedger, leapSteps: readonly LeapStepNs[]): void {
    this.#intake.connect(ledger, leapSteps);
  }

  /** Null once intake has stopped and everything was handed out. */
  next(): Promise<IntakeBatch | null> {
    return this.#intake.next();
  }

  verify(batch: IntakeBatch): Promise<void> {
    return this.#intake.verify(batch);
  }

  /** Sends the receipts and refusals; gives those who wait for more than `committed`. */
  answer(batch: IntakeBatch): readonly Waiter[] {
    this.#intake.answer(batch);
    return batch.waiters();
  }

  bind(connection: bigint, binding: SessionBinding): void {
    this.#intake.bindSession(connection, binding);
  }

  /** The connection stays: the agent may ask again. */
  refuse(connection: bigint, { code, message, retry }: KudurruError): void {
    this.#intake.refuse(connection, { code, message, retry }, false);
  }

  /** Every submission that is not in the ledger is refused with this, until null takes it back. */
  refuseSubmissions(error: KudurruError | null): void {
    this.#intake.refuseSubmissions(error);
  }

  closed(connection: bigint, sessionId: Uint8Array, actionCount: bigint): void {
    this.#intake.closeSession(connection, sessionId, actionCount);
  }

  /** Without effect where the connection is gone or not read: the bundle has the same proof. */
  pushAnchored(connection: bigint, firstSequence: number, receipt: Uint8Array): void {
    this.#intake.pushAnchored(connection, firstSequence, receipt);
  }

  writer(connection: bigint): IntakeWriter {
    return this.#intake.writerFacts(connection);
  }

  stats(): IntakeStats {
    return this.#intake.stats();
  }

  stop(): Promise<void> {
    return this.#intake.stop();
  }
}
