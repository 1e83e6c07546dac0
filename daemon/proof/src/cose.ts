/**
 * COSE (RFC 9052), cut to one form. COSE_Sign1 with tag 18, an attached payload, an empty
 * unprotected header and the protected header {1: alg, 4: kid, 16: typ}; algorithms Ed25519 (-19)
 * and ESP256 (-9) of RFC 9864. COSE_Key holds the required members only, which makes it the very
 * bytes that RFC 9679 hashes into the thumbprint, and the thumbprint is the key id everywhere.
 */
import { concatBytes, equalBytes } from './bytes.ts';
import type { CborArray, CborKey, CborValue } from './cbor.ts';
import {
  COSE_SIGN1_TAG,
  decodeCbor,
  encodeCbor,
  isCborArray,
  isCborMap,
  isCborTagged,
} from './cbor.ts';
import { ProofError } from './proof-error.ts';
import type { KeyAlgorithm, PublicKey } from './public-key.ts';
import { requirePublicKey, SIGNATURE_SIZE_BYTES, verifySignature } from './public-key.ts';
import { HASH_SIZE_BYTES, sha256 } from './sha256.ts';

const HEADER = { algorithm: 1, keyId: 4, type: 16 } as const;
const KEY = { type: 1, curve: -1, x: -2, y: -3 } as const;
const KEY_TYPE = { okp: 1, ec2: 2 } as const;
const CURVE = { p256: 1, ed25519: 6 } as const;
const ALGORITHM_ID: Readonly<Record<KeyAlgorithm, number>> = { Ed25519: -19, ESP256: -9 };
const COORDINATE_SIZE_BYTES = 32;

/** What the signer signs. */
export interface Sign1Content {
  readonly algorithm: KeyAlgorithm;
  /** Thumbprint of the signer's key, 32 bytes. */
  readonly keyId: Uint8Array;
  /** Media type of the whole, e.g. `application/kudurru-statement+cose`. */
  readonly type: string;
  readonly payload: Uint8Array;
}

/** A decoded COSE_Sign1. Its signature has not been checked. */
export interface Sign1 extends Sign1Content {
  readonly signature: Uint8Array;
}

/** The Sig_structure (RFC 9052 §4.4, no external data) over which `content` is signed. */
export function sign1Message(content: Sign1Content): Uint8Array {
  const nothing = new Uint8Array(0);
  return encodeCbor(['Signature1', encodeProtected(content), nothing, content.payload]);
}

/** The tagged COSE_Sign1. @throws ProofError `cose-malformed` for a bad key id or signature size */
export function encodeSign1(sign1: Sign1): Uint8Array {
  if (sign1.signature.length !== SIGNATURE_SIZE_BYTES) throw malformed('a signature has 64 bytes');
  return encodeCbor({
    tag: COSE_SIGN1_TAG,
    value: [encodeProtected(sign1), new Map(), sign1.payload, sign1.signature],
  });
}

/** The one accepted form of COSE_Sign1. @throws ProofError `cbor-malformed`, `cose-malformed` */
export function decodeSign1(bytes: Uint8Array): Sign1 {
  const outer = decodeCbor(bytes);
  if (!isCborTagged(outer) || !isCborArray(outer.value)) throw malformed('not a tagged COSE_Sign1');
  const [header, unprotected, payload, signature] = requireFour(outer.value);
  if (!(header instanceof Uint8Array)) throw malformed('the protected header is not bytes');
  if (unprotected === undefined || !isCborMap(unprotected) || unprotected.size > 0) {
    throw malformed('the unprotected header is not an empty map');
  }
  if (!(payload instanceof Uint8Array)) throw malformed('the payload is not attached bytes');
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_SIZE_BYTES) {
    throw malformed('the signature does not have 64 bytes');
  }
  return { ...decodeProtected(header), payload, signature };
}

/** Whether `sign1` names `key` by its thumbprint and algorithm and is signed by it. */
export function verifySign1(sign1: Sign1, key: PublicKey): boolean {
  if (sign1.algorithm !== key.algorithm) return false;
  if (!equalBytes(sign1.keyId, keyThumbprint(key))) return false;
  return verifySignature({ key, message: sign1Message(sign1), signature: sign1.signature });
}

/** COSE_Key of `key`, required members only. @throws ProofError `key-malformed` */
export function encodeCoseKey(key: PublicKey): Uint8Array {
  requirePublicKey(key);
  if (key.algorithm === 'Ed25519') {
    return encodeCbor(
      new Map<CborKey, CborValue>([
        [KEY.type, KEY_TYPE.okp],
        [KEY.curve, CURVE.ed25519],
        [KEY.x, key.bytes],
      ]),
    );
  }
  return encodeCbor(
    new Map<CborKey, CborValue>([
      [KEY.type, KEY_TYPE.ec2],
      [KEY.curve, CURVE.p256],
      [KEY.x, key.bytes.subarray(1, 1 + COORDINATE_SIZE_BYTES)],
      [KEY.y, key.bytes.subarray(1 + COORDINATE_SIZE_BYTES)],
    ]),
  );
}

/** The key of a COSE_Key. @throws ProofError `cbor-malformed`, `cose-malformed`, `key-malformed` */
export function decodeCoseKey(bytes: Uint8Array): PublicKey {
  const map = decodeCbor(bytes);
  if (!isCborMap(map)) throw malformed('a COSE_Key is a map');
  const key = publicKeyOf(map.get(KEY.type), map.get(KEY.curve), [map.get(KEY.x), map.get(KEY.y)]);
  if (!equalBytes(encodeCoseKey(key), bytes)) {
    throw malformed('a COSE_Key holds the required members and nothing else');
  }
  return key;
}

/** Key id: SHA-256 thumbprint of the COSE_Key (RFC 9679). @throws ProofError `key-malformed` */
export function keyThumbprint(key: PublicKey): Uint8Array {
  return sha256(encodeCoseKey(key));
}

function publicKeyOf(
  type: CborValue | undefined,
  curve: CborValue | undefined,
  [x, y]: readonly (CborValue | undefined)[],
): PublicKey {
  if (type === KEY_TYPE.okp && curve === CURVE.ed25519 && x instanceof Uint8Array) {
    return { algorithm: 'Ed25519', bytes: x };
  }
  if (type === KEY_TYPE.ec2 && curve === CURVE.p256) {
    if (x instanceof Uint8Array && y instanceof Uint8Array && x.length === COORDINATE_SIZE_BYTES) {
      return { algorithm: 'ESP256', bytes: concatBytes(Uint8Array.of(4), x, y) };
    }
  }
  throw malformed('a COSE_Key is OKP on Ed25519 or EC2 on P-256 with both coordinates as bytes');
}

function encodeProtected(content: Sign1Content): Uint8Array {
  if (content.keyId.length !== HASH_SIZE_BYTES) throw malformed('a key id has 32 bytes');
  return encodeCbor(
    new Map<CborKey, CborValue>([
      [HEADER.algorithm, ALGORITHM_ID[content.algorithm]],
      [HEADER.keyId, content.keyId],
      [HEADER.type, content.type],
    ]),
  );
}

function decodeProtected(bytes: Uint8Array): Omit<Sign1Content, 'payload'> {
  const header = decodeCbor(bytes);
  if (!isCborMap(header) || header.size !== 3) {
    throw malformed('the protected header is not exactly {alg, kid, typ}');
  }
  const keyId = header.get(HEADER.keyId);
  const type = header.get(HEADER.type);
  if (!(keyId instanceof Uint8Array) || keyId.length !== HASH_SIZE_BYTES) {
    throw malformed('kid is not a thumbprint of 32 bytes');
  }
  if (typeof type !== 'string') throw malformed('typ is not text');
  return { algorithm: algorithmOf(header.get(HEADER.algorithm)), keyId, type };
}

function algorithmOf(id: CborValue | undefined): KeyAlgorithm {
  if (id === ALGORITHM_ID.Ed25519) return 'Ed25519';
  if (id === ALGORITHM_ID.ESP256) return 'ESP256';
  throw malformed('alg is neither Ed25519 (-19) nor ESP256 (-9)');
}

function requireFour(items: CborArray): CborArray {
  if (items.length !== 4) throw malformed('COSE_Sign1 is an array of four');
  return items;
}

function malformed(reason: string): ProofError {
  return new ProofError('cose-malformed', `cose: ${reason}`);
}
