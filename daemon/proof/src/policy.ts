/**
 * The reader's trust policy (SPEC.md §12): what a verdict is under. Strict JSON: an unknown or
 * repeated member is refused, because a limit would else silently not hold.
 */
import type { Label } from './appliance.ts';
import { label, LABELS } from './appliance.ts';
import { CERTIFICATE_SIZE_BYTES_MAX, parseCertificate } from './certificate.ts';
import type { TimeLevel, WriterLevel } from './entry-fields.ts';
import { TIME_LEVELS, WRITER_LEVELS } from './entry-fields.ts';
import type { Coverage } from './envelope.ts';
import { COVERAGES } from './envelope.ts';
import { originText } from './identifier.ts';
import { parseVerifierKey } from './note.ts';
import { ProofError } from './proof-error.ts';
import type { Json, JsonObject, ShapeType } from './schema.ts';
import {
  bytes,
  constant,
  h32,
  INDEX_MAX,
  list,
  names,
  nullable,
  Place,
  record,
  refine,
  requireMembers,
  text,
  uint,
} from './schema.ts';
import { parseStrictJson } from './strict-json.ts';

const APPLIANCES_MAX = 256;
/** Makers of TPMs have some hundred roots together. */
const ROOTS_MAX = 64;
const PINS_MAX = 256;
const PCR_MAX = 23;
const UNKNOWN_COSIGNERS = ['refuse', 'ignore'] as const;

const shape = {
  version: constant(1),
  name: text(1, 128),
  ledgerId: h32,
  origin: originText,
  logKey: refine(text(1, 1024), logKeyProblem),
  appliances: list(record({ number: uint(0, INDEX_MAX), id: h32, label }), 0, APPLIANCES_MAX),
  acceptLabels: list(label, 0, LABELS.length),
  unknownCosigners: names(0, UNKNOWN_COSIGNERS),
  minimumWriterLevel: names(0, WRITER_LEVELS),
  minimumCoverage: names(0, COVERAGES),
  minimumTimeLevel: names(0, TIME_LEVELS),
};

const certificate = refine(bytes(1, CERTIFICATE_SIZE_BYTES_MAX), certificateProblem);
/** Members that a policy may leave out: it then asks nothing of the kind. */
const optionalShape = {
  /** Whose TPMs are believed to be what they are called. */
  endorsement: record({
    /** DER of certificates that TPM makers' chains end in. */
    roots: list(certificate, 0, ROOTS_MAX),
    /** SHA-256 of an EK's TPMT_PUBLIC or of its certificate. */
    pins: list(h32, 0, PINS_MAX),
    /** When certificates must hold; null for the time that the genesis entry states. */
    atUnixSeconds: nullable(uint(0, INDEX_MAX)),
  }),
  /** PCRs of the SHA-256 bank and their values after the expected boot, ascending. */
  expectedPcrs: refine(
    list(record({ pcr: uint(0, PCR_MAX), value: h32 }), 1, PCR_MAX + 1),
    (pcrs) =>
      pcrs.every(({ pcr }, i) => i === 0 || pcr > (pcrs[i - 1]?.pcr ?? pcr))
        ? null
        : 'is not ascending by PCR',
  ),
};

type Optional = ShapeType<typeof optionalShape>;
export type EndorsementTrust = Optional['endorsement'];
export type ExpectedPcrs = Optional['expectedPcrs'];
export type TrustPolicy = ShapeType<typeof shape> & Partial<Optional>;

const required = refine(record(shape), ({ appliances, acceptLabels }) => {
  const numbers = new Set(appliances.map(({ number }) => number));
  if (numbers.size < appliances.length) return 'appliances: a number stands twice';
  if (new Set(acceptLabels).size < acceptLabels.length) return 'acceptLabels: one stands twice';
  return null;
});
const place = new Place('policy-invalid', 'trust policy');

/**
 * What a new policy asks for beside the identity of the ledger: hardware, known signers, locked
 * time.
 */
export const DEFAULT_POLICY = {
  version: 1,
  acceptLabels: ['hardware'] as readonly Label[],
  unknownCosigners: 'refuse',
  minimumWriterLevel: 'credentials' as WriterLevel,
  minimumCoverage: 'self-reported' as Coverage,
  minimumTimeLevel: 'LOCKED' as TimeLevel,
} as const;

/** @throws ProofError `policy-invalid` naming the member */
export function parseTrustPolicy(source: string): TrustPolicy {
  return trustPolicyFromJson(parseStrictJson(source, place));
}

/** @throws ProofError `policy-invalid` naming the member */
export function trustPolicyFromJson(json: Json): TrustPolicy {
  const members = requireMembers(json, { ...shape, ...optionalShape }, place);
  const { endorsement, expectedPcrs, ...rest } = members;
  return {
    ...required.fromJson(rest, place),
    ...(endorsement === undefined
      ? {}
      : {
          endorsement: optionalShape.endorsement.fromJson(endorsement, place.at('endorsement')),
        }),
    ...(expectedPcrs === undefined
      ? {}
      : {
          expectedPcrs: optionalShape.expectedPcrs.fromJson(expectedPcrs, place.at('expectedPcrs')),
        }),
  };
}

/** JSON text of a policy, indented. @throws ProofError `policy-invalid` */
export function formatTrustPolicy(value: TrustPolicy): string {
  const { endorsement, expectedPcrs } = value;
  const json = {
    ...(required.toJson(value) as JsonObject),
    ...(endorsement && { endorsement: optionalShape.endorsement.toJson(endorsement) }),
    ...(expectedPcrs && { expectedPcrs: optionalShape.expectedPcrs.toJson(expectedPcrs) }),
  };
  trustPolicyFromJson(json);
  return `${JSON.stringify(json, null, 2)}\n`;
}

function certificateProblem(der: Uint8Array): string | null {
  try {
    parseCertificate(der);
    return null;
  } catch (error) {
    if (error instanceof ProofError) return error.message;
    throw error;
  }
}

function logKeyProblem(vkey: string): string | null {
  try {
    return parseVerifierKey(vkey).key.algorithm === 'Ed25519' ? null : 'is not an Ed25519 key';
  } catch (error) {
    if (error instanceof ProofError) return error.message;
    throw error;
  }
}
