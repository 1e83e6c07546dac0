/** Narrowing of decoded CBOR to what a format says stands there. */
import {
  decodeCbor,
  isCborArray,
  ProofError,
  type CborArray,
  type CborValue,
} from '@kudurru/proof';

import { AgentError } from './agent-error.ts';

const HASH_SIZE_BYTES = 32;

/** All throw AgentError `protocol-violation`; `what` names the thing for people. */
type Found = CborValue | undefined;

export function decodePayload(bytes: Uint8Array): CborValue {
  try {
    return decodeCbor(bytes);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    throw AgentError.own('protocol-violation', `answer not understood: ${error.message}`, error);
  }
}

export function readArray(value: Found, length: number | null, what: string): CborArray {
  if (value === undefined || !isCborArray(value)) throw unexpected(what, 'an array');
  if (length !== null && value.length !== length) throw unexpected(what, `an array of ${length}`);
  return value;
}

export function readBytes(value: Found, what: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw unexpected(what, 'bytes');
  return value;
}

export function readHash(value: Found, what: string): Uint8Array {
  const bytes = readBytes(value, what);
  if (bytes.length !== HASH_SIZE_BYTES) throw unexpected(what, `${HASH_SIZE_BYTES} bytes`);
  return bytes;
}

export function readText(value: Found, what: string): string {
  if (typeof value !== 'string') throw unexpected(what, 'text');
  return value;
}

/** Counts: 0 .. 2^53 - 1. */
export function readCount(value: Found, what: string): number {
  if (typeof value !== 'number' || value < 0) throw unexpected(what, 'a number from 0');
  return value;
}

/** Indexes, sequences and sizes: the same range, as bigint. */
export function readIndex(value: Found, what: string): bigint {
  return BigInt(readCount(value, what));
}

function unexpected(what: string, wanted: string): AgentError {
  return AgentError.own('protocol-violation', `${what} not understood: it is not ${wanted}`);
}
