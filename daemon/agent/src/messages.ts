/**
 * Payloads of the frames (SPEC §6): what the agent sends is encoded here, what the ledger answers
 * is decoded here, strictly. Nothing in this file decides anything.
 */
import { BODY_SIZE_BYTES_MAX, encodeCbor, type CborValue } from '@kudurru/proof';

import { AgentError, type Retry } from './agent-error.ts';
import { encodeFrame, FRAME_TYPE, type Frame } from './frame.ts';
import { decodePayload, readArray, readCount, readHash, readIndex, readText } from './shape.ts';

const VERSION = 1;
const RETRIES: readonly Retry[] = ['never', 'later', 'restart'];
const WRITER_LEVELS = ['credentials', 'pidfd', 'pidfd-inode'] as const;

/** How well the ledger's kernel tells who wrote a frame (SPEC §7). */
export type WriterLevel = (typeof WRITER_LEVELS)[number];

/** What the ledger accepts of one connection. */
export interface Limits {
  readonly frameSizeBytesMax: number;
  readonly actionsMax: number;
  readonly bodySizeBytesMax: number;
  readonly inFlightMax: number;
}

export interface Welcome {
  readonly ledgerId: Uint8Array;
  readonly origin: string;
  readonly challenge: Uint8Array;
  readonly writerLevel: WriterLevel;
  readonly limits: Limits;
}

/** Where a session stands: what its next statement continues. */
export interface SessionHead {
  readonly nextSequence: bigint;
  readonly previousStatementHash: Uint8Array;
}

export interface Opened extends SessionHead {
  readonly sessionId: Uint8Array;
  /** Index of the `session.open` entry. */
  readonly sessionIndex: bigint;
  /** Sessions of one agent are numbered from 0. */
  readonly sessionNumber: number;
}

export interface Committed {
  readonly firstSequence: bigint;
  /** Index of the statement entry; action i stands at firstIndex + 1 + i. */
  readonly firstIndex: bigint;
  readonly count: number;
  /** Of the tree right after the group the statement was made durable in. */
  readonly treeSize: bigint;
  readonly root: Uint8Array;
  /** When the daemon received the frame, nanoseconds since 1970 TAI. */
  readonly taiNs: bigint;
}

export interface AnchoredPush {
  readonly firstSequence: bigint;
  /** The anchored receipt (SPEC §10), as it stands in the frame. */
  readonly receipt: CborValue;
}

export interface Closed {
  readonly sessionId: Uint8Array;
  readonly actionCount: number;
}

export interface Refused {
  /** Null when the refusal is about the connection and not about a statement. */
  readonly firstSequence: bigint | null;
  readonly code: string;
  readonly message: string;
  readonly retry: Retry;
}

export function helloFrame(client: string): Uint8Array {
  return frameOf(FRAME_TYPE.hello, [VERSION, client]);
}

export function openFrame(request: Uint8Array): Uint8Array {
  return frameOf(FRAME_TYPE.open, [request]);
}

export function closeFrame(sessionId: Uint8Array): Uint8Array {
  return frameOf(FRAME_TYPE.close, [sessionId]);
}

/** A private body that travels to the ledger: with its statement, or ahead of it in chunks. */
export interface Body {
  /** Position of the action in the statement. */
  readonly offset: number;
  readonly field: number;
  readonly salt: Uint8Array;
  readonly bytes: Uint8Array;
  /** Of its commitment. */
  readonly digest: Uint8Array;
  /** Of its action; null for the default one. */
  readonly erasureScope: string | null;
}

/** Bytes of each chunk of a large body but the last (SPEC §6). */
const CHUNK_SIZE_BYTES = 262_144;

/** Too long for the submit frame. */
export function isLarge({ bytes }: Body): boolean {
  return bytes.length > BODY_SIZE_BYTES_MAX;
}

/** The frames of a large body, in order; each is made when it is asked for. */
export function* bodyChunkFrames(body: Body): Generator<Uint8Array> {
  const { digest, erasureScope, field, salt, bytes } = body;
  for (let offset = 0; offset < bytes.length; offset += CHUNK_SIZE_BYTES) {
    const chunk = bytes.subarray(offset, offset + CHUNK_SIZE_BYTES);
    yield offset === 0
      ? frameOf(FRAME_TYPE.bodyChunk, [digest, erasureScope, field, salt, bytes.length, chunk])
      : frameOf(FRAME_TYPE.bodyChunk, [digest, offset, chunk]);
  }
}

/** 1 asks for `committed` only, 2 for `anchored` as well. */
export type ReceiptLevel = 1 | 2;

export interface SubmitPayload {
  readonly statement: Uint8Array;
  readonly envelopes: readonly Uint8Array[];
  /** By (offset, field). */
  readonly bodies: readonly Body[];
  readonly level: ReceiptLevel;
}

export function submitFrame({ statement, envelopes, bodies, level }: SubmitPayload): Uint8Array {
  const carried = bodies.map((body) => {
    const { offset, field, salt, bytes } = body;
    return isLarge(body) ? [offset, field, null] : [offset, field, salt, bytes];
  });
  return frameOf(FRAME_TYPE.submit, [statement, [...envelopes], carried, level]);
}

export function decodeWelcome(payload: Uint8Array): Welcome {
  const items = readArray(decodePayload(payload), 6, 'welcome');
  if (items[0] !== VERSION) throw violation(`the ledger does not speak version ${VERSION}`);
  const limits = readArray(items[5], 4, 'limits').map((limit) => readCount(limit, 'limit'));
  const [frameSizeBytesMax = 0, actionsMax = 0, bodySizeBytesMax = 0, inFlightMax = 0] = limits;
  if (limits.some((limit) => limit === 0)) throw violation('a limit of the ledger is zero');
  return {
    ledgerId: readHash(items[1], 'ledger id'),
    origin: readText(items[2], 'origin'),
    challenge: readHash(items[3], 'challenge'),
    writerLevel: writerLevelOf(readCount(items[4], 'writer level')),
    limits: { frameSizeBytesMax, actionsMax, bodySizeBytesMax, inFlightMax },
  };
}

export function decodeOpened(payload: Uint8Array): Opened {
  const items = readArray(decodePayload(payload), 5, 'opened');
  return {
    sessionId: readHash(items[0], 'session id'),
    sessionIndex: readIndex(items[1], 'session index'),
    sessionNumber: readCount(items[2], 'session number'),
    nextSequence: readIndex(items[3], 'next sequence'),
    previousStatementHash: readHash(items[4], 'previous statement hash'),
  };
}

export function decodeCommitted(payload: Uint8Array): Committed {
  const items = readArray(decodePayload(payload), 3, 'committed');
  const receipt = readArray(items[1], 4, 'receipt');
  const time = readArray(items[2], 7, 'time');
  const taiNs = time[0];
  if (typeof taiNs !== 'number' && typeof taiNs !== 'bigint') throw violation('time is no number');
  return {
    firstSequence: readIndex(items[0], 'first sequence'),
    firstIndex: readIndex(receipt[0], 'first index'),
    count: readCount(receipt[1], 'count'),
    treeSize: readIndex(receipt[2], 'tree size'),
    root: readHash(receipt[3], 'root'),
    taiNs: BigInt(taiNs),
  };
}

export function decodeAnchored(payload: Uint8Array): AnchoredPush {
  const items = readArray(decodePayload(payload), 2, 'anchored');
  return { firstSequence: readIndex(items[0], 'first sequence'), receipt: items[1] ?? null };
}

export function decodeClosed(payload: Uint8Array): Closed {
  const items = readArray(decodePayload(payload), 2, 'closed');
  return {
    sessionId: readHash(items[0], 'session id'),
    actionCount: readCount(items[1], 'action count'),
  };
}

export function decodeRefused(payload: Uint8Array): Refused {
  const items = readArray(decodePayload(payload), 4, 'refused');
  const retry = RETRIES[readCount(items[3], 'retry')];
  if (retry === undefined) throw violation('an unknown retry class');
  return {
    firstSequence: items[0] === null ? null : readIndex(items[0], 'first sequence'),
    code: readText(items[1], 'code'),
    message: readText(items[2], 'message'),
    retry,
  };
}

/** The payload of `frame`, which the state of the connection says is of `type`. */
export function expectFrame(frame: Frame, type: keyof typeof FRAME_TYPE): Uint8Array {
  if (frame.type === FRAME_TYPE[type]) return frame.payload;
  const found = `0x${frame.type.toString(16).padStart(2, '0')}`;
  throw violation(`expected a frame "${type}", found type ${found}`);
}

function writerLevelOf(level: number): WriterLevel {
  const name = WRITER_LEVELS[level - 1];
  if (name === undefined) throw violation(`unknown writer level ${level}`);
  return name;
}

function frameOf(type: number, payload: CborValue): Uint8Array {
  return encodeFrame({ type, payload: encodeCbor(payload) });
}

function violation(reason: string): AgentError {
  return AgentError.own('protocol-violation', `answer of the ledger not understood: ${reason}`);
}
