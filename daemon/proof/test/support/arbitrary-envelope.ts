/** Random envelopes that are valid by construction, for property tests. */
import fc from 'fast-check';

import {
  ACTION_KINDS,
  ACTION_TYPES,
  COVERAGES,
  EXTERNAL_ID_SCHEMES,
  OBSERVERS,
  REVERSIBILITIES,
  SIDE_EFFECTS,
  STATUSES,
} from '../../src/envelope.ts';
import type { Envelope } from '../../src/envelope.ts';

const COMMITMENT_FIELDS = [
  'input',
  'output',
  'target',
  'systemPrompt',
  'credential',
  'error',
  'onBehalfOf',
  'modelParameters',
] as const;

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length }).filter((b) => b.some((byte) => byte > 0));
const text = (max: number): fc.Arbitrary<string> =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: Math.min(20, max) })
    .filter((t) => Buffer.byteLength(t) <= max && !/[\u0000-\u001f\u007f]/.test(t));
const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary);
const reference = fc.record({
  session: bytes(32),
  sequence: fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) }),
});
const commitments = fc.subarray([...COMMITMENT_FIELDS]).chain((fields) =>
  fc.tuple(
    ...fields.map((field) =>
      fc.record({
        field: fc.constant(field),
        length: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        digest: bytes(32),
        mediaType: orNull(text(127)),
        deposited: fc.boolean(),
      }),
    ),
  ),
);

const anywhere = {
  tool: fc.record({
    name: text(256),
    server: orNull(text(256)),
    schemaDigest: orNull(bytes(32)),
    protocolVersion: orNull(text(64)),
  }),
  targetType: text(64),
  sideEffect: fc.constantFrom(...SIDE_EFFECTS),
  reversibility: fc.constantFrom(...REVERSIBILITIES),
  parents: fc.array(reference, { minLength: 1, maxLength: 16 }),
  externalId: fc.record({ scheme: fc.constantFrom(...EXTERNAL_ID_SCHEMES), id: text(256) }),
  model: fc.record({
    provider: text(128),
    name: text(128),
    version: orNull(text(128)),
    weightsDigest: orNull(bytes(32)),
  }),
  rulesBelieved: bytes(32),
  erasureScope: fc.constantFrom('default', 'customer:42', 'a.b_c-d'),
  agentVersion: text(128),
  dataClass: text(64),
  retryOf: reference,
  conversationId: text(256),
};
const result = {
  status: fc.constantFrom(...STATUSES),
  observedBy: fc.constantFrom(...OBSERVERS),
};
const afterwards = {
  errorType: text(128),
  durationNs: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
};
const deadline = { deadlineMs: fc.integer({ min: 1, max: 2_592_000_000 }) };
const trace = fc.oneof(
  fc.constant({}),
  fc.record({ traceId: bytes(16) }),
  fc.record({ traceId: bytes(16), spanId: bytes(8) }),
);

/** The members that depend on the kind. */
const ofKind: Readonly<Record<(typeof ACTION_KINDS)[number], fc.Arbitrary<object>>> = {
  intent: fc.record(deadline, { requiredKeys: [] }),
  outcome: fc.record(
    { intent: reference, ...result, ...afterwards },
    { requiredKeys: ['intent', 'status', 'observedBy'] },
  ),
  observation: fc.record({ ...result, ...afterwards }, { requiredKeys: [] }),
};

export const envelopes: fc.Arbitrary<Envelope> = fc.constantFrom(...ACTION_KINDS).chain((kind) =>
  fc
    .tuple(
      fc.record({
        version: fc.constant(1 as const),
        kind: fc.constant(kind),
        actionType: fc.constantFrom(...ACTION_TYPES),
        operation: text(256),
        coverage: fc.constantFrom(...COVERAGES),
        commitments,
      }),
      fc.record(anywhere, { requiredKeys: [] }),
      ofKind[kind],
      trace,
    )
    // Cloned, because the generated records have no prototype, unlike decoded ones.
    .map(([required, optional, own, traced]) =>
      structuredClone({ ...required, ...optional, ...own, ...traced }),
    ),
);
