/**
 * What a session request and an enrolment have in common (SPEC.md §2.2, §6, §7.3): a COSE_Sign1 of
 * one type over a CBOR array of version 1 that names this ledger.
 */
import {
  decodeCbor,
  decodeSign1,
  equalBytes,
  isCborArray,
  ProofError,
  type CborValue,
  type Sign1,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';

export interface SignedArrayForm {
  /** For the messages: "session request". */
  readonly what: string;
  /** The `typ` of its protected header. */
  readonly type: string;
  /** Members of the array, the version included. */
  readonly length: number;
}

export interface SignedArray {
  readonly sign1: Sign1;
  /** Members after the version and the ledger id. */
  readonly members: readonly CborValue[];
}

const hashSizeBytes = 32;

/** The signature is not checked here. @throws KudurruError `request-malformed`, `ledger-mismatch` */
export function readSignedArray(
  bytes: Uint8Array,
  form: SignedArrayForm,
  ledgerId: Uint8Array,
): SignedArray {
  const { what } = form;
  const { sign1, items } = decode(bytes, form);
  if (sign1.type !== form.type) {
    throw malformed(what, `its type is "${sign1.type}", not "${form.type}"`);
  }
  const [version, ledger, ...members] = items;
  if (version !== 1) throw malformed(what, 'its version is not 1');
  if (!(ledger instanceof Uint8Array) || ledger.length !== hashSizeBytes) {
    throw malformed(what, 'its ledger id does not have 32 bytes');
  }
  if (!equalBytes(ledger, ledgerId)) {
    throw new KudurruError('ledger-mismatch', `${what} not accepted: it names another ledger`);
  }
  return { sign1, members };
}

function decode(
  bytes: Uint8Array,
  { what, length }: SignedArrayForm,
): { sign1: Sign1; items: readonly CborValue[] } {
  try {
    const sign1 = decodeSign1(bytes);
    const items = decodeCbor(sign1.payload);
    if (isCborArray(items) && items.length === length) return { sign1, items };
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw new KudurruError('request-malformed', `${what} not understood: ${cause.message}`, {
      cause,
    });
  }
  throw malformed(what, `its payload is not an array of ${length}`);
}

export function malformed(what: string, reason: string): KudurruError {
  return new KudurruError('request-malformed', `${what} not understood: ${reason}`);
}

/** A text without control characters, of `min` to `max` bytes of UTF-8. */
export function isText(
  value: CborValue | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): value is string {
  if (typeof value !== 'string' || /[\u0000-\u001f\u007f]/u.test(value)) return false;
  const sizeBytes = Buffer.byteLength(value);
  return sizeBytes >= min && sizeBytes <= max;
}

export function isHash(value: CborValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === hashSizeBytes;
}
