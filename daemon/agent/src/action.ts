/**
 * Actions as a program states them, and what becomes of them on the wire: an envelope of public
 * fields and commitments, and the private bodies beside it, each under a salt of its own.
 */
import { randomBytes } from 'node:crypto';

import {
  commitmentFieldNumber,
  encodeEnvelope,
  encodeUtf8,
  makeCommitment,
  ProofError,
  statementRoot,
  type Commitment,
  type Envelope,
  type EnvelopeCommitmentField,
} from '@kudurru/proof';

import { AgentError } from './agent-error.ts';
import type { Body } from './messages.ts';
import type { Prepared } from './submission.ts';

/** A private value: its bytes, and what is said of them in public. */
export interface PrivateBody {
  /** At least one byte. */
  readonly bytes: Uint8Array;
  /** Public. Null when nothing is said. */
  readonly mediaType: string | null;
  /**
   * False: only the commitment is submitted, the bytes stay here. Default true, and then there are
   * at most 16 MiB.
   */
  readonly deposit?: boolean;
}

/** Text stands for itself in UTF-8, bytes for themselves. */
export type PrivateValue = string | Uint8Array | PrivateBody;

/**
 * One action: the envelope's public fields (SPEC §4) by their names, and the private ones. What an
 * envelope says of itself, its version and its commitments, is made here.
 */
export type Action = Omit<Envelope, 'version' | 'commitments'> & {
  readonly private?: { readonly [Field in EnvelopeCommitmentField]?: PrivateValue };
};

/** `value` as JSON text. */
export function jsonBody(
  value: unknown,
  options: { readonly deposit?: boolean } = {},
): PrivateBody {
  return { bytes: encodeUtf8(JSON.stringify(value)), mediaType: 'application/json', ...options };
}

export interface EncodedActions {
  readonly prepared: Prepared;
  /** For each action the salts of its commitments, by field. */
  readonly salts: readonly Salts[];
}

export type Salts = ReadonlyMap<EnvelopeCommitmentField, Uint8Array>;

/** @throws AgentError `submission-invalid`, which names the field */
export function encodeActions(actions: readonly Action[]): EncodedActions {
  const encoded = actions.map((action, offset) => encodeAction(action, offset));
  const envelopes = encoded.map(({ envelope }) => envelope);
  return {
    prepared: {
      envelopes,
      bodies: encoded.flatMap(({ bodies }) => bodies),
      root: statementRoot(envelopes),
    },
    salts: encoded.map(({ salts }) => salts),
  };
}

interface EncodedAction {
  readonly envelope: Uint8Array;
  readonly bodies: readonly Body[];
  readonly salts: Salts;
}

function encodeAction({ private: secrets = {}, ...open }: Action, offset: number): EncodedAction {
  const bodies: Body[] = [];
  const salts = new Map<EnvelopeCommitmentField, Uint8Array>();
  const commitments: (Commitment & { readonly field: EnvelopeCommitmentField })[] = [];
  try {
    for (const [field, value] of fieldsOf(secrets)) {
      const { bytes, mediaType, deposit = true } = bodyOf(value);
      const salt = new Uint8Array(randomBytes(32));
      const options = { mediaType, deposited: deposit };
      const commitment = makeCommitment({ field, salt, bytes }, options);
      commitments.push({ ...commitment, field });
      salts.set(field, salt);
      if (!deposit) continue;
      bodies.push({
        ...{ offset, field: commitmentFieldNumber(field), salt, bytes },
        ...{ digest: commitment.digest, erasureScope: open.erasureScope ?? null },
      });
    }
    return { envelope: encodeEnvelope({ ...open, version: 1, commitments }), bodies, salts };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    throw AgentError.own('submission-invalid', `action ${offset}: ${error.message}`, error);
  }
}

/** In the order the commitments stand in. */
function fieldsOf(
  secrets: NonNullable<Action['private']>,
): readonly (readonly [EnvelopeCommitmentField, PrivateValue])[] {
  // The type has no other keys, and a wrong one of a JavaScript caller has no number.
  const given = Object.entries(secrets) as [EnvelopeCommitmentField, PrivateValue | undefined][];
  return given
    .flatMap(([field, value]) => (value === undefined ? [] : [[field, value] as const]))
    .toSorted(([left], [right]) => commitmentFieldNumber(left) - commitmentFieldNumber(right));
}

function bodyOf(value: PrivateValue): PrivateBody {
  if (typeof value === 'string') {
    return { bytes: encodeUtf8(value), mediaType: 'text/plain; charset=utf-8' };
  }
  return value instanceof Uint8Array ? { bytes: value, mediaType: null } : value;
}
