/**
 * JSON-RPC 2.0 as MCP uses it on a stdio line: one message, or a batch (protocol 2025-03-26).
 * Strict: what two programs could read differently is refused, and what is refused is not handed
 * on.
 */
import { membersOf, type Members } from './json-members.ts';

export type MessageId = string | number;

interface Common {
  readonly value: Readonly<Record<string, unknown>>;
  /** Text of each member, as it stood on the line. */
  readonly members: Members;
}
export interface RequestMessage extends Common {
  readonly kind: 'request';
  readonly id: MessageId;
  readonly method: string;
}
export interface NotificationMessage extends Common {
  readonly kind: 'notification';
  readonly method: string;
}
export interface ResponseMessage extends Common {
  readonly kind: 'response';
  readonly id: MessageId;
}
export type Message = RequestMessage | NotificationMessage | ResponseMessage;

export interface Line {
  readonly messages: readonly Message[];
  readonly isBatch: boolean;
}

/** JSON-RPC's own codes, and ours from the range it leaves to implementations. */
export const RPC_CODE = { parse: -32700, invalid: -32600, notRecorded: -32001 } as const;

export class MalformedLineError extends Error {
  override readonly name = 'MalformedLineError';
  readonly rpcCode: number;

  constructor(rpcCode: number, message: string) {
    super(message);
    this.rpcCode = rpcCode;
  }
}

/** Messages of one batch. */
const BATCH_LENGTH_MAX = 256;
const METHOD_SIZE_BYTES_MAX = 256;

/** Null for a blank line. @throws MalformedLineError */
export function parseLine(bytes: Buffer): Line | null {
  const { text, value } = decode(bytes);
  if (value === undefined) return null;
  const members = membersOf(text);
  if (members === null) throw invalid('a key stands twice in one object');
  const isBatch = Array.isArray(value);
  const values: unknown[] = isBatch ? value : [value];
  if (values.length === 0) throw invalid('an empty batch');
  if (values.length > BATCH_LENGTH_MAX) throw invalid(`more than ${BATCH_LENGTH_MAX} in one batch`);
  if (members.length !== values.length) throw invalid('not an object');
  return { isBatch, messages: values.map((one, at) => messageOf(one, members[at] ?? new Map())) };
}

/** `{"jsonrpc":"2.0","id":…,"error":…}` on a line of its own. */
export function errorAnswer(
  id: MessageId | null,
  error: { readonly code: number; readonly message: string; readonly data?: unknown },
): object {
  return { jsonrpc: '2.0', id, error };
}

function decode(bytes: Buffer): { text: string; value: unknown } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (text.trim() === '') return { text, value: undefined };
    return { text, value: JSON.parse(text) as unknown };
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
    throw new MalformedLineError(RPC_CODE.parse, 'not a line of JSON in UTF-8');
  }
}

function messageOf(value: unknown, members: Members): Message {
  if (!isRecord(value)) throw invalid('not an object');
  if (value['jsonrpc'] !== '2.0') throw invalid('not JSON-RPC 2.0');
  const { method, id } = value;
  if (method === undefined) {
    const answers = ['result', 'error'].filter((name) => Object.hasOwn(value, name));
    if (answers.length !== 1) throw invalid('neither a request nor exactly one answer');
    if (id === null) return { kind: 'notification', method: 'error', value, members };
    return { kind: 'response', id: idOf(id), value, members };
  }
  if (typeof method !== 'string' || !isMethod(method)) throw invalid('a method that is no name');
  if (Object.hasOwn(value, 'id')) return { kind: 'request', id: idOf(id), method, value, members };
  if (!method.startsWith('notifications/')) {
    throw invalid(`"${method}" without an id: it would have no outcome`);
  }
  return { kind: 'notification', method, value, members };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function idOf(id: unknown): MessageId {
  if (typeof id === 'string' || Number.isSafeInteger(id)) return id as MessageId;
  throw invalid('an id that is neither text nor a whole number');
}

function isMethod(method: string): boolean {
  return /^[!-~]+$/u.test(method) && method.length <= METHOD_SIZE_BYTES_MAX;
}

function invalid(reason: string): MalformedLineError {
  return new MalformedLineError(RPC_CODE.invalid, reason);
}
