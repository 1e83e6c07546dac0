/**
 * What operators sign (SPEC.md §2.3): an order to this ledger, once, until a time. The bytes are
 * signed by SSHSIG in the namespace `kudurru`; the entry that carries the order out embeds both.
 */
import { equalBytes } from './bytes.ts';
import type { ProvisioningRecord } from './identifier.ts';
import { ProofError } from './proof-error.ts';
import type { ShapeType } from './schema.ts';
import { bytes, decodeWith, encodeWith, h32, nanoseconds, Place, record, text } from './schema.ts';
import { encodeSshPublicKey, parseSshPublicKeyLine } from './ssh-key.ts';
import type { SshKeyType, SshPublicKey } from './ssh-key.ts';
import type { SecurityKeyFlags, Sshsig } from './sshsig.ts';
import { parseSshsig, verifySshsig } from './sshsig.ts';

const PAYLOAD_SIZE_BYTES_MAX = 16_384;
/** The payload, and at most 256 bytes around it. */
export const ORDER_SIZE_BYTES_MAX = PAYLOAD_SIZE_BYTES_MAX + 256;

const shape = {
  /** Kind of the entry that carries it out, such as `restore`. */
  kind: text(1, 64, /^[a-z]+(?:[.-][a-z]+)*$/),
  ledgerId: h32,
  /** Fresh random: an order is carried out once. */
  nonce: h32,
  /** The entry that carries it out has a taiNs of at most this. */
  expiryTaiNs: nanoseconds,
  /** What is ordered, in the grammar of its kind. */
  payload: bytes(0, PAYLOAD_SIZE_BYTES_MAX),
};
const order = record(shape);
const place = new Place('order-invalid', 'operator order');

export type OperatorOrder = ShapeType<typeof shape>;
export type Operator = ProvisioningRecord['operators'][number];

/** The bytes that operators sign. @throws ProofError `order-invalid` */
export function encodeOperatorOrder(value: OperatorOrder): Uint8Array {
  return encodeWith(order, value, place);
}

/** @throws ProofError `order-invalid`, `cbor-malformed` */
export function decodeOperatorOrder(encoded: Uint8Array): OperatorOrder {
  return decodeWith(order, encoded, place);
}

/** An order and its signatures, as an entry embeds them. */
export interface AuthorisedOrder {
  /** `encodeOperatorOrder`. */
  readonly order: Uint8Array;
  /** Binary SSHSIG each. */
  readonly authorisations: readonly Uint8Array[];
}

/** One operator's signature that holds. */
export interface Authorisation {
  readonly operator: string;
  readonly keyType: SshKeyType;
  /** What the authenticator says of the person; null for a key in software. */
  readonly securityKey: SecurityKeyFlags | null;
}

export interface AuthorisationReport {
  /** Operators that signed, each once. */
  readonly authorisations: readonly Authorisation[];
  /** What is wrong with a signature, a sentence each: an order with one is not carried out. */
  readonly problems: readonly string[];
}

/**
 * Who of `operators` authorised an order. A signature counts when it is by the key of one operator,
 * of exactly these bytes, in the namespace `kudurru` and, by a FIDO2 key, with somebody present.
 * Expiry, nonce, kind and ledger are for the caller to compare.
 */
export function verifyAuthorisations(
  { order: signed, authorisations }: AuthorisedOrder,
  operators: readonly Operator[],
): AuthorisationReport {
  const keys = operators.flatMap(({ name, sshPublicKey }) => {
    const key = readable(() => parseSshPublicKeyLine(sshPublicKey));
    return key instanceof ProofError ? [] : [{ name, key }];
  });
  const found: Authorisation[] = [];
  const problems: string[] = [];
  for (const [i, encoded] of authorisations.entries()) {
    const one = authorisationOf(encoded, signed, keys);
    const isAgain = found.some(
      ({ operator }) => typeof one === 'object' && operator === one.operator,
    );
    if (typeof one === 'string') problems.push(`authorisation ${i}: ${one}`);
    else if (isAgain) problems.push(`authorisation ${i}: '${one.operator}' signed twice`);
    else found.push(one);
  }
  return { authorisations: found, problems };
}

function authorisationOf(
  encoded: Uint8Array,
  signed: Uint8Array,
  operators: readonly { readonly name: string; readonly key: SshPublicKey }[],
): Authorisation | string {
  const sshsig = readable((): Sshsig => parseSshsig(encoded));
  if (sshsig instanceof ProofError) return sshsig.message;
  const { publicKey, namespace, securityKey } = sshsig;
  const operator = operators.find(({ key }) => isSameKey(key, publicKey));
  if (operator === undefined) return 'the key is of no operator';
  if (!verifySshsig(sshsig, signed)) {
    return `not a signature by '${operator.name}' of this order (namespace '${namespace}')`;
  }
  if (securityKey !== null && !securityKey.isPresent) {
    return `nobody was present at the authenticator of '${operator.name}'`;
  }
  return { operator: operator.name, keyType: publicKey.type, securityKey };
}

function isSameKey(left: SshPublicKey, right: SshPublicKey): boolean {
  return equalBytes(encodeSshPublicKey(left), encodeSshPublicKey(right));
}

function readable<T>(read: () => T): T | ProofError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProofError) return error;
    throw error;
  }
}
