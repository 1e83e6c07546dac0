/** An order that operators have signed (SPEC.md §2.3), checked before it is carried out. */
import {
  decodeOperatorOrder,
  encodeSshPublicKey,
  encodeSshsig,
  equalBytes,
  parseSshPublicKeyLine,
  ProofError,
  readSshsig,
  verifyAuthorisations,
  type Operator,
  type OperatorOrder,
} from '@kudurru/proof';

import { KudurruError, wrapError } from '../base/errors.ts';

export type OrderRefusalCode =
  | 'ledger-mismatch'
  | 'nonce-unknown'
  | 'operator-unknown'
  | 'order-expired'
  | 'order-malformed'
  | 'order-outdated'
  | 'order-used'
  | 'signature-invalid';

export function refusedOrder(code: OrderRefusalCode, reason: string): KudurruError {
  return new KudurruError(code, `order not carried out: ${reason}`);
}

/** @throws KudurruError `order-malformed` */
export function orderOfKind(encoded: Uint8Array, kind: string): OperatorOrder {
  let order: OperatorOrder;
  try {
    order = decodeOperatorOrder(encoded);
  } catch (cause) {
    throw wrapError('order-malformed', 'order not carried out: it is no order', cause);
  }
  if (order.kind === kind) return order;
  throw refusedOrder('order-malformed', `it orders "${order.kind}" and not "${kind}"`);
}

export interface SignedOrder {
  /** Binary SSHSIG each, as an entry holds them. */
  readonly authorisations: readonly Uint8Array[];
  /** Names of those who signed. */
  readonly by: readonly string[];
}

/** @throws KudurruError `operator-unknown`, `signature-invalid` */
export function signedBy(
  { order, signatures }: { readonly order: Uint8Array; readonly signatures: readonly Uint8Array[] },
  operators: readonly Operator[],
): SignedOrder {
  const authorisations = signatures.map((bytes) => authorisationIn(bytes, operators));
  const report = verifyAuthorisations({ order, authorisations }, operators);
  if (report.problems.length > 0) {
    throw refusedOrder('signature-invalid', report.problems.join('; '));
  }
  if (report.authorisations.length === 0) {
    throw refusedOrder('operator-unknown', 'no operator has signed it');
  }
  return { authorisations, by: report.authorisations.map(({ operator }) => operator) };
}

/** The binary form. */
function authorisationIn(bytes: Uint8Array, operators: readonly Operator[]): Uint8Array {
  try {
    const sshsig = readSshsig(bytes);
    const key = encodeSshPublicKey(sshsig.publicKey);
    const isKnown = operators.some(({ sshPublicKey }) =>
      equalBytes(encodeSshPublicKey(parseSshPublicKeyLine(sshPublicKey)), key),
    );
    if (isKnown) return encodeSshsig(sshsig);
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw wrapError('signature-invalid', 'order not carried out: no SSH signature', cause);
  }
  throw refusedOrder('operator-unknown', 'it is signed by a key of none of the operators');
}
