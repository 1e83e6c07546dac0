// The agents' socket in native code: frames in, batches out, answers back.
import { checkBytes, checkInteger } from './arguments.ts';
import { nativeLedgerOf, type Ledger } from './ledger.ts';
import type {
  Intake,
  IntakeBatch,
  IntakeLimits,
  IntakeOptions,
  IntakeRefusal,
  IntakeStats,
  IntakeWriter,
  LeapStepNs,
  SessionBinding,
  Waiter,
  WriterLevel,
} from './intake-types.ts';
import { nativePart } from './load.ts';

export type * from './intake-types.ts';

interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

type NativeDelivery = Omit<IntakeBatch, 'waiters'>;

interface NativeIntake {
  connect(ledger: unknown, leapSteps: readonly (readonly [bigint, number])[]): void;
  next(): Promise<NativeDelivery | null>;
  verify(handle: unknown): Promise<void>;
  answer(handle: unknown): readonly Waiter[];
  waiters(handle: unknown): readonly Waiter[];
  bindSession(connection: bigint, binding: SessionBinding): void;
  refuse(
    connection: bigint,
    refusal: { code: string; message: string; retry: number },
    firstSequence: bigint | number | null,
    close: boolean,
  ): void;
  refuseSubmissions(refusal: { code: string; message: string; retry: number } | null): void;
  pushAnchored(connection: bigint, firstSequence: bigint | number, receipt: Uint8Array): boolean;
  closeSession(connection: bigint, sessionId: Uint8Array, actionCount: bigint | number): void;
  writerFacts(connection: bigint): IntakeWriter;
  stats(): IntakeStats;
  stop(): Promise<null>;
}

interface IntakePart {
  probeWriterLevel(): WriterLevel;
  peerCredentials(fd: number): PeerCredentials;
  readonly Intake: new (options: Required<IntakeOptions>, writerLevel: WriterLevel) => NativeIntake;
}

const native = nativePart<IntakePart>();

const hashSizeBytes = 32;
const retryNumbers = { never: 0, later: 1, restart: 2 } as const;
const limitNames: readonly (keyof IntakeLimits)[] = [
  'connectionsMax',
  'inFlightMax',
  'connectionBytesMax',
  'agentBytesMax',
  'totalBytesMax',
  'outgoingBytesHigh',
  'outgoingBytesMax',
  'outgoingTotalBytesMax',
  'batchItemsMax',
  'batchActionsMax',
  'batchBytesMax',
  'queueTimeMs',
  'stallTimeMs',
  'frameTimeMs',
  'handshakeTimeMs',
  'drainTimeMs',
];

/**
 * What this kernel can tell of the process that writes into a Unix socket, tried on a pair of them.
 * @throws NativeError intake `writer-unnamed`
 */
export function probeWriterLevel(): WriterLevel {
  return native.probeWriterLevel();
}

/**
 * The process that connected the Unix socket `fd` (SO_PEERCRED): not necessarily the one that
 * writes. @throws NativeError errno
 */
export function peerCredentials(fd: number): PeerCredentials {
  checkInteger(fd, 'fd', { min: 0, max: 2 ** 31 - 1 });
  return native.peerCredentials(fd);
}

/** Listens. @throws NativeError intake `socket-path-too-long`, `socket-unusable` */
export function startIntake(options: IntakeOptions): Intake {
  checkText(options.socketPath, 'socketPath');
  checkText(options.origin, 'origin');
  checkInteger(options.socketMode, 'socketMode', { min: 0, max: 0o777 });
  checkInteger(options.verifyThreads, 'verifyThreads', { min: 1, max: 256 });
  checkBytes(options.ledgerId, 'ledgerId', hashSizeBytes);
  const { descriptor = -1, limits = {} } = options;
  checkInteger(descriptor, 'descriptor', { min: -1, max: 2 ** 31 - 1 });
  checkLimits(limits);
  const writerLevel = probeWriterLevel();
  return new RunningIntake(
    new native.Intake({ ...options, descriptor, limits }, writerLevel),
    writerLevel,
  );
}

class Batch implements IntakeBatch {
  readonly handle: unknown;
  readonly items: number;
  readonly chunks: number;
  readonly actions: number;
  readonly bytes: number;
  readonly requests: IntakeBatch['requests'];
  readonly scopes: readonly string[];
  readonly committed: IntakeBatch['committed'];
  readonly #waiters: () => readonly Waiter[];
  #answered: readonly Waiter[] | null = null;

  constructor(delivery: NativeDelivery, waiters: () => readonly Waiter[]) {
    this.handle = delivery.handle;
    this.items = delivery.items;
    this.chunks = delivery.chunks;
    this.actions = delivery.actions;
    this.bytes = delivery.bytes;
    this.requests = delivery.requests;
    this.scopes = delivery.scopes;
    this.committed = delivery.committed;
    this.#waiters = waiters;
  }

  waiters(): readonly Waiter[] {
    return this.#answered ?? this.#waiters();
  }

  /** The items are gone; these were theirs. */
  markAnswered(waiters: readonly Waiter[]): void {
    this.#answered = waiters;
  }

  get isAnswered(): boolean {
    return this.#answered !== null;
  }
}

class RunningIntake implements Intake {
  readonly writerLevel: WriterLevel;
  readonly #native: NativeIntake;

  constructor(intake: NativeIntake, writerLevel: WriterLevel) {
    this.#native = intake;
    this.writerLevel = writerLevel;
  }

  connect(ledger: Ledger, leapSteps: readonly LeapStepNs[]): void {
    const steps = leapSteps.map(({ fromRealtimeNs, taiMinusUtcSeconds }) => {
      checkInteger(taiMinusUtcSeconds, 'taiMinusUtcSeconds', { min: -1000, max: 1000 });
      return [fromRealtimeNs, taiMinusUtcSeconds] as const;
    });
    this.#native.connect(nativeLedgerOf(ledger), steps);
  }

  async next(): Promise<IntakeBatch | null> {
    const delivery = await this.#native.next();
    if (delivery === null) return null;
    return new Batch(delivery, () => this.#native.waiters(delivery.handle));
  }

  async verify(batch: IntakeBatch): Promise<void> {
    await this.#native.verify(open(batch).handle);
  }

  answer(batch: IntakeBatch): void {
    const given = open(batch);
    given.markAnswered(this.#native.answer(given.handle));
  }

  bindSession(connection: bigint, binding: SessionBinding): void {
    checkConnection(connection);
    checkBytes(binding.sessionId, 'sessionId', hashSizeBytes);
    checkBytes(binding.previousStatementHash, 'previousStatementHash', hashSizeBytes);
    checkBytes(binding.publicKey, 'publicKey');
    checkCount(binding.sessionIndex, 'sessionIndex');
    checkCount(binding.sessionNumber, 'sessionNumber');
    checkCount(binding.nextSequence, 'nextSequence');
    if (binding.algorithm !== -19 && binding.algorithm !== -9) {
      throw new RangeError(`algorithm is ${String(binding.algorithm)}, not -19 or -9`);
    }
    this.#native.bindSession(connection, binding);
  }

  refuse(connection: bigint, refusal: IntakeRefusal, close: boolean): void {
    checkConnection(connection);
    checkText(refusal.code, 'code');
    checkText(refusal.message, 'message');
    const { code, message, firstSequence = null } = refusal;
    if (firstSequence !== null) checkCount(firstSequence, 'firstSequence');
    const retry = retryNumbers[refusal.retry];
    this.#native.refuse(connection, { code, message, retry }, firstSequence, close);
  }

  refuseSubmissions(refusal: Omit<IntakeRefusal, 'firstSequence'> | null): void {
    if (refusal === null) return this.#native.refuseSubmissions(null);
    const { code, message } = refusal;
    checkText(code, 'code');
    checkText(message, 'message');
    this.#native.refuseSubmissions({ code, message, retry: retryNumbers[refusal.retry] });
  }

  pushAnchored(connection: bigint, firstSequence: bigint | number, receipt: Uint8Array): boolean {
    checkConnection(connection);
    checkCount(firstSequence, 'firstSequence');
    checkBytes(receipt, 'receipt');
    return this.#native.pushAnchored(connection, firstSequence, receipt);
  }

  closeSession(connection: bigint, sessionId: Uint8Array, actionCount: bigint | number): void {
    checkConnection(connection);
    checkBytes(sessionId, 'sessionId', hashSizeBytes);
    checkCount(actionCount, 'actionCount');
    this.#native.closeSession(connection, sessionId, actionCount);
  }

  writerFacts(connection: bigint): IntakeWriter {
    checkConnection(connection);
    return this.#native.writerFacts(connection);
  }

  stats(): IntakeStats {
    return this.#native.stats();
  }

  async stop(): Promise<void> {
    await this.#native.stop();
  }
}

function open(batch: IntakeBatch): Batch {
  if (!(batch instanceof Batch)) throw new TypeError('batch is not one that next() gave');
  if (batch.isAnswered) throw new TypeError('batch was answered before');
  return batch;
}

function checkLimits(limits: IntakeLimits): void {
  for (const [name, value] of Object.entries(limits)) {
    if (!limitNames.includes(name as keyof IntakeLimits)) {
      throw new TypeError(`limits.${name} is not a limit of intake`);
    }
    checkInteger(value, `limits.${name}`, { min: 1, max: 2 ** 40 });
  }
}

function checkText(value: unknown, name: string): void {
  if (typeof value !== 'string') throw new TypeError(`${name} is not a string`);
}

function checkConnection(value: unknown): void {
  if (typeof value !== 'bigint') throw new TypeError('connection is not a bigint');
}

function checkCount(value: bigint | number, name: string): void {
  if (typeof value !== 'bigint') {
    return checkInteger(value, name, { min: 0, max: Number.MAX_SAFE_INTEGER });
  }
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`${name} is ${value}, not in 0 .. 2^53 - 1`);
  }
}
