// What the daemon's pipeline and the native intake exchange (SPEC.md §6).
import type { Ledger } from './ledger.ts';

/** 1 `credentials`, 2 `pidfd`, 3 `pidfd-inode` (SPEC.md §7). */
export type WriterLevel = 1 | 2 | 3;

/** Bounds of intake; each has a default, derived in native/src/core/intake/limits.h. */
export interface IntakeLimits {
  readonly connectionsMax?: number;
  /** Submissions of a connection that were received and not answered yet. */
  readonly inFlightMax?: number;
  /** Frames of one connection, of an agent, and of all together, from admission to answer. */
  readonly connectionBytesMax?: number;
  readonly agentBytesMax?: number;
  readonly totalBytesMax?: number;
  /**
   * Unread answers of a connection: above `high` it is not read, above `max` pushes are refused.
   */
  readonly outgoingBytesHigh?: number;
  readonly outgoingBytesMax?: number;
  /** Unread answers of all connections: above it pushes are refused. */
  readonly outgoingTotalBytesMax?: number;
  readonly batchItemsMax?: number;
  readonly batchActionsMax?: number;
  readonly batchBytesMax?: number;
  /** From a submission's arrival to its batch: then it is refused as `overloaded`. */
  readonly queueTimeMs?: number;
  /** Answers wait and the client reads nothing. */
  readonly stallTimeMs?: number;
  /** From a frame's first byte to its last. */
  readonly frameTimeMs?: number;
  /** From the connection to its session. */
  readonly handshakeTimeMs?: number;
  /** From stop() to the last answer read. */
  readonly drainTimeMs?: number;
}

export interface IntakeOptions {
  /** At most 107 bytes. A socket file nobody listens on is replaced. */
  readonly socketPath: string;
  /** Permissions of the socket file, such as 0o600 or 0o660. */
  readonly socketMode: number;
  /** A listening Unix stream socket to take over instead; `socketPath` is then not touched. */
  readonly descriptor?: number;
  /** 32 bytes. */
  readonly ledgerId: Uint8Array;
  readonly origin: string;
  /** Threads that check signatures of one batch, 1 .. 256. */
  readonly verifyThreads: number;
  readonly limits?: IntakeLimits;
}

/** A frame that opens or closes a session, or the end of a connection that had asked for one. */
export interface SessionRequest {
  readonly kind: 'open' | 'close' | 'disconnected';
  /** Never used twice in a run. */
  readonly connection: bigint;
  /** open: the COSE_Sign1, not looked into; close: the session id; disconnected: empty. */
  readonly payload: Uint8Array;
  /** The 32 bytes that this connection was given in `welcome`. */
  readonly challenge: Uint8Array;
  /** When the frame's last byte was received: CLOCK_REALTIME and CLOCK_MONOTONIC_RAW. */
  readonly realtimeNs: bigint;
  readonly monotonicRawNs: bigint;
}

/** A submission that was committed and asks for more than that. */
export interface Waiter {
  readonly connection: bigint;
  readonly firstSequence: number;
  /** Index of the statement entry. */
  readonly firstIndex: bigint;
  readonly level: 2;
}

/** From this instant of CLOCK_REALTIME on, TAI is ahead of UTC by so many seconds. */
export interface LeapStepNs {
  readonly fromRealtimeNs: bigint;
  readonly taiMinusUtcSeconds: number;
}

/** What a connected ledger made durable by itself, answered already. */
export interface Committed {
  readonly actions: number;
  readonly waiters: readonly Waiter[];
}

/**
 * Everything received while the batch before was worked on, in bounds. Of an intake that is
 * connected to a ledger: what waits for a decision, and word of what was committed meanwhile.
 */
export interface IntakeBatch {
  /** The native batch, for the ledger's native side. */
  readonly handle: unknown;
  /** Submissions, with those refused already. */
  readonly items: number;
  /** Chunks of large bodies, to be made durable before the submissions. */
  readonly chunks: number;
  /** Actions of those not refused. */
  readonly actions: number;
  /** Of the frames of submissions and chunks. */
  readonly bytes: number;
  /** To be worked on after the items, in this order. */
  readonly requests: readonly SessionRequest[];
  /** Erasure scopes of the bodies that came with it, each once. */
  readonly scopes: readonly string[];
  /** Since the batch before; of none where intake is not connected. */
  readonly committed: Committed;
  /** After the ledger has answered. The same before and after `answer`. */
  waiters(): readonly Waiter[];
}

/** What a session is bound to, and what `opened` says of it. */
export interface SessionBinding {
  /** 32 bytes. */
  readonly sessionId: Uint8Array;
  readonly sessionIndex: bigint | number;
  readonly sessionNumber: bigint | number;
  readonly nextSequence: bigint | number;
  /** 32 bytes. */
  readonly previousStatementHash: Uint8Array;
  /** Ed25519: 32 bytes. ESP256: the uncompressed point, 0x04 ‖ x ‖ y. */
  readonly publicKey: Uint8Array;
  /** COSE: −19 Ed25519, −9 ESP256. */
  readonly algorithm: -19 | -9;
}

export interface IntakeRefusal {
  /** From the daemon's closed list of codes. */
  readonly code: string;
  readonly message: string;
  readonly retry: 'never' | 'later' | 'restart';
  readonly firstSequence?: bigint | number;
}

/** The process that wrote the `open` frame, looked at when it arrived. Null: not known. */
export interface IntakeWriter {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Of its pidfs file; null below level 3. */
  readonly inode: bigint | null;
  /** Clock ticks since boot. */
  readonly startTime: number | null;
  readonly exe: string | null;
  /** Path of its control group. */
  readonly cgroup: string | null;
  readonly level: WriterLevel;
}

export interface IntakeStats {
  readonly connections: number;
  readonly connectionsInAll: number;
  /** Connections whose next frame waits for room. */
  readonly waitingConnections: number;
  /** Frames received and not in a batch yet. */
  readonly queuedFrames: number;
  /** Submissions taken in a batch and not answered yet. */
  readonly inBatches: number;
  /** Memory of frames from admission to answer. */
  readonly heldBytes: number;
  /** The most since the start. */
  readonly heldBytesHighest: number;
  /** Answers that clients have not read yet. */
  readonly outgoingBytes: number;
  /** With a session on a connection. */
  readonly agents: number;
  readonly batches: number;
  /** Submissions answered. */
  readonly submissions: number;
  /** By code, of submissions, frames and requests. */
  readonly refusals: Readonly<Record<string, number>>;
}

export interface Intake {
  readonly writerLevel: WriterLevel;
  /**
   * From now on submissions are checked, made durable by this ledger and answered without
   * JavaScript: `next` gives session requests, and submissions of a scope without key, which
   * nothing overtakes until they are answered. `leapSteps`, ascending, are for their times. A
   * ledger that ends makes `next` reject with a NativeError of the domain `ledger`.
   */
  connect(ledger: Ledger, leapSteps: readonly LeapStepNs[]): void;
  /**
   * The next batch, as soon as anything waits; null once intake has stopped. One call at a time;
   * it may be made before the batch before is answered, but batches are answered in their order.
   * @throws NativeError intake `next-pending`, `intake-failed`
   */
  next(): Promise<IntakeBatch | null>;
  /** Marks the submissions whose signature is not by the key of their session. */
  verify(batch: IntakeBatch): Promise<void>;
  /**
   * Sends `committed` or `refused` for each submission and frees the batch. Also for a batch of
   * requests alone.
   * @throws NativeError intake `batch-unanswered`: nothing was sent
   */
  answer(batch: IntakeBatch): void;
  /**
   * Sends `opened`; submissions are taken from then on. Without effect if the connection is gone: a
   * `disconnected` comes, or has come, for it.
   * @throws NativeError intake `key-unusable`
   */
  bindSession(connection: bigint, binding: SessionBinding): void;
  /** Refuses a session request. With `close` the connection ends, and no `disconnected` follows. */
  refuse(connection: bigint, refusal: IntakeRefusal, close: boolean): void;
  /**
   * Refuses each submission with this, until null takes it back. Of a `retry` that is true. One
   * that is in the ledger already gets its receipt all the same.
   */
  refuseSubmissions(refusal: Omit<IntakeRefusal, 'firstSequence'> | null): void;
  /** False where the connection is gone or does not read its answers. */
  pushAnchored(connection: bigint, firstSequence: bigint | number, receipt: Uint8Array): boolean;
  /** Sends `closed` and ends the connection; no `disconnected` follows. */
  closeSession(connection: bigint, sessionId: Uint8Array, actionCount: bigint | number): void;
  /**
   * Of a connection that asked for a session, until its end was told.
   * @throws NativeError intake `connection-unknown`
   */
  writerFacts(connection: bigint): IntakeWriter;
  stats(): IntakeStats;
  /**
   * Takes no more connections and frames. What was received is still handed out and answered, for
   * at most `drainTimeMs`; then `next` gives null. The socket file is gone.
   */
  stop(): Promise<void>;
}
