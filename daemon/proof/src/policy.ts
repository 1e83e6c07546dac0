/**
 * The reader's trust policy (SPEC.md §12): what a verdict is under. Strict JSON: an unknown or
 * repeated member is refused, because a limit would else silently not hold.
 */
import type { Label } from './appliance.ts';
import { label, LABELS } from './appliance.ts';
import type { TimeLevel, WriterLevel } from './entry-fields.ts';
import { TIME_LEVELS, WRITER_LEVELS } from './entry-fields.ts';
import type { Coverage } from './envelope.ts';
import { COVERAGES } from './envelope.ts';
import { originText } from './identifier.ts';
import { parseVerifierKey } from './note.ts';
import { ProofError } from './proof-error.ts';
import type { Json, ShapeType } from './schema.ts';
import {
  constant,
  h32,
  INDEX_MAX,
  list,
  names,
  Place,
  record,
  refine,
  text,
  uint,
} from './schema.ts';

const POLICY_SIZE_CHARACTERS_MAX = 1_000_000;
const APPLIANCES_MAX = 256;
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

export type TrustPolicy = ShapeType<typeof shape>;

const policy = refine(record(shape), ({ appliances, acceptLabels }) => {
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
  if (source.length > POLICY_SIZE_CHARACTERS_MAX) {
    throw new ProofError('limit-exceeded', 'trust policy: too long');
  }
  let json: Json;
  try {
    json = JSON.parse(source) as Json;
  } catch (cause) {
    throw new ProofError('policy-invalid', 'trust policy: is not JSON', { cause });
  }
  const repeated = repeatedMember(source);
  if (repeated !== null) throw place.error(`member '${repeated}' stands twice`);
  return trustPolicyFromJson(json);
}

/**
 * The first member that stands twice in one object of the JSON `source`, or null. A parser takes
 * the last of them in silence, and a person may have read the first.
 */
function repeatedMember(source: string): string | null {
  const open: Set<string>[] = [];
  let text = '';
  for (const [token] of source.matchAll(/"(?:[^"\\]|\\.)*"|[{}:]/gu)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (token !== ':') text = token;
    else {
      const name = JSON.parse(text) as string;
      if (open.at(-1)?.has(name) === true) return name;
      open.at(-1)?.add(name);
    }
  }
  return null;
}

/** @throws ProofError `policy-invalid` naming the member */
export function trustPolicyFromJson(json: Json): TrustPolicy {
  return policy.fromJson(json, place);
}

/** JSON text of a policy, indented. @throws ProofError `policy-invalid` */
export function formatTrustPolicy(value: TrustPolicy): string {
  const json = policy.toJson(value);
  trustPolicyFromJson(json);
  return `${JSON.stringify(json, null, 2)}\n`;
}

function logKeyProblem(vkey: string): string | null {
  try {
    return parseVerifierKey(vkey).key.algorithm === 'Ed25519' ? null : 'is not an Ed25519 key';
  } catch (error) {
    if (error instanceof ProofError) return error.message;
    throw error;
  }
}
