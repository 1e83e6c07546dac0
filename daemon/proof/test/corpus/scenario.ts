/** The story that most cases tell: two agents, an intent and its outcome, anchors on both sides. */
import { buildBundle } from './build-bundle.ts';
import type { Bundle, Disclosure } from '../../src/bundle.ts';
import { decodeBundle, encodeBundle } from '../../src/bundle.ts';
import { encodeUtf8 } from '../../src/bytes.ts';
import type { Opening } from '../../src/commitment.ts';
import { makeCommitment } from '../../src/commitment.ts';
import type { Envelope } from '../../src/envelope.ts';
import type { TrustPolicy } from '../../src/policy.ts';
import { seed } from './keys.ts';
import type { Flaws } from './flaws.ts';
import { CorpusLedger } from './ledger.ts';

export interface Scenario {
  readonly ledger: CorpusLedger;
  readonly intent: bigint;
  readonly outcome: bigint;
  /** By the agent whose key is on P-256. */
  readonly observation: bigint;
  readonly session: bigint;
  readonly input: Opening & { readonly field: 'input' };
}

/** A bundle and the policy under which it is judged. */
export interface Exhibit {
  readonly bytes: Uint8Array;
  readonly policy: TrustPolicy;
}

export interface ScenarioOptions {
  /** Whose keys sign; 'alpha' by default. */
  readonly label?: string;
  readonly withAnchorBefore?: boolean;
  /** Runs before the covering anchor. */
  readonly beforeAnchor?: (ledger: CorpusLedger) => unknown;
  /** Runs before the session opens. */
  readonly beforeSession?: (ledger: CorpusLedger) => unknown;
  /** What the outcome answers; the intent by default. */
  readonly answers?: 'intent' | 'observation';
  /** Where the outcome is reported; in the intent's session by default. */
  readonly outcomeIn?: 'new-session' | 'session-of-another-agent';
}

export function playScenario(flaws: Flaws = {}, options: ScenarioOptions = {}): Scenario {
  const ledger = new CorpusLedger(options.label ?? 'alpha', flaws);
  const clerk = ledger.enrol('clerk');
  const reviewer = ledger.enrol('reviewer', 'ESP256');
  if (options.withAnchorBefore !== false) ledger.anchor('counter-anchor');
  options.beforeSession?.(ledger);
  const session = ledger.openSession(clerk);
  const input = {
    field: 'input',
    salt: seed('salt'),
    bytes: encodeUtf8('{"path":"a.txt"}'),
  } as const;
  const [intent = 0n, note = 0n] = ledger.submit(session, [
    intentEnvelope(input),
    { ...observationEnvelope(), operation: 'memory/read' },
    observationEnvelope(),
  ]);
  const other = ledger.openSession(reviewer);
  const [observation = 0n] = ledger.submit(other, [observationEnvelope()]);
  const answered = options.answers === 'observation' ? note - intent : 0n;
  const reference = { session: session.id, sequence: answered };
  const last =
    options.outcomeIn === undefined
      ? session
      : options.outcomeIn === 'new-session'
        ? ledger.openSession(clerk)
        : other;
  const [outcome = 0n] = ledger.submit(last, [outcomeEnvelope(reference)]);
  options.beforeAnchor?.(ledger);
  ledger.anchor(options.withAnchorBefore === false ? 'counter-anchor' : 'anchor');
  ledger.alarm();
  ledger.anchor('counter-anchor');
  ledger.alarm();
  return { ledger, intent, outcome, observation, session: session.index, input };
}

export function intentEnvelope(input: Opening): Envelope {
  return {
    version: 1,
    kind: 'intent',
    actionType: 'tool-call',
    operation: 'tools/call',
    tool: {
      name: 'write_file',
      server: 'filesystem',
      schemaDigest: seed('tool schema'),
      protocolVersion: '2026-07-28',
    },
    targetType: 'file',
    sideEffect: 'create',
    reversibility: 'compensable',
    deadlineMs: 60_000,
    traceId: seed('trace').subarray(0, 16),
    spanId: seed('span').subarray(0, 8),
    externalId: { scheme: 'json-rpc', id: '7' },
    coverage: 'mediated',
    model: { provider: 'example', name: 'model-1', version: null, weightsDigest: null },
    commitments: [
      makeCommitment(input, { mediaType: 'application/json', deposited: true }),
    ] as Envelope['commitments'],
    agentVersion: '1.2.3',
  };
}

export function observationEnvelope(): Envelope {
  return {
    version: 1,
    kind: 'observation',
    actionType: 'interaction',
    operation: 'read',
    coverage: 'self-reported',
    commitments: [],
  };
}

export function outcomeEnvelope(intent: NonNullable<Envelope['intent']>): Envelope {
  return {
    version: 1,
    kind: 'outcome',
    actionType: 'tool-response',
    operation: 'tools/call',
    intent,
    status: 'success',
    observedBy: 'bridge',
    coverage: 'mediated',
    commitments: [],
    durationNs: 12_345_678n,
  };
}

/** The opening of the intent's input. */
export function inputDisclosure({ intent, input }: Scenario): Disclosure {
  return { index: intent, ...input };
}

export async function exhibit(
  { ledger }: Pick<Scenario, 'ledger'>,
  subject: bigint,
  disclosures: readonly Disclosure[] = [],
): Promise<Exhibit> {
  const bytes = await buildBundle(ledger.source(), subject, disclosures);
  return { bytes, policy: ledger.policy() };
}

/** The same exhibit with its bundle changed and encoded again. */
export function changeBundle(
  { bytes, policy }: Exhibit,
  change: (bundle: Bundle) => Partial<Bundle>,
): Exhibit {
  const bundle = decodeBundle(bytes);
  return { bytes: encodeBundle({ ...bundle, ...change(bundle) }), policy };
}

/** `bytes` with one bit changed, at the end unless told. */
export function flip(bytes: Uint8Array, at: number = bytes.length - 1): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}
