/**
 * A whole ledger in memory, made by the same encoders as the real one, with hooks (`Flaws`) that
 * make one thing wrong before it is hashed and signed: what an attacker with all keys could write.
 */
import {
  anchorDigest,
  counterQualifier,
  encodeAgentHead,
  leftQualifier,
  rightQualifier,
} from '../../src/anchor.ts';
import type { AgentHead } from '../../src/anchor.ts';
import { encodeApplianceDocument } from '../../src/appliance.ts';
import type { BundleSource } from './build-bundle.ts';
import { encodeUtf8 } from '../../src/bytes.ts';
import { formatCheckpoint, formatTreeHead } from '../../src/checkpoint.ts';
import type { TreeHead } from '../../src/checkpoint.ts';
import { encodeCoseKey } from '../../src/cose.ts';
import type { AnchorEntry, Entry, EntryTime } from '../../src/entry.ts';
import { encodeEntry } from '../../src/entry.ts';
import type { Envelope } from '../../src/envelope.ts';
import { encodeEnvelope } from '../../src/envelope.ts';
import { derOfP1363 } from '../../src/es256.ts';
import {
  applianceIdOf,
  encodeProvisioningRecord,
  formatAgentId,
  ledgerIdOf,
} from '../../src/identifier.ts';
import { leafHash } from '../../src/merkle.ts';
import { MerkleTree } from '../../src/merkle-tree.ts';
import { formatVerifierKey, verifierKeyId } from '../../src/note.ts';
import type { NoteSignature } from '../../src/note.ts';
import type { TrustPolicy } from '../../src/policy.ts';
import { sha256, ZERO_HASH } from '../../src/sha256.ts';
import {
  encodeEnrolmentRequest,
  encodeSessionRequest,
  encodeStatementPayload,
  ENROLMENT_TYPE,
  SESSION_TYPE,
  STATEMENT_TYPE,
  statementHash,
  statementRoot,
} from '../../src/statement.ts';
import type { EnrolmentRequest, SessionRequest, StatementPayload } from '../../src/statement.ts';
import type { TimeEvidence } from '../../src/time-evidence.ts';
import { encodeTimeEvidence } from '../../src/time-evidence.ts';
import type { AnchorDraft, Flaws } from './flaws.ts';
import type { Signer } from './keys.ts';
import { coseSign, ed25519Signer, p256Signer, seed } from './keys.ts';
import { sourceOf } from './ledger-source.ts';
import { describeAppliance, SoftwareTpm } from './software-tpm.ts';

interface AgentState {
  readonly agentId: string;
  readonly signer: Signer;
  readonly index: bigint;
  sessions: number;
  head: AgentHead | null;
}

export interface SessionState {
  readonly agent: AgentState;
  readonly index: bigint;
  readonly id: Uint8Array;
  readonly number: number;
  sequence: bigint;
  previousStatementHash: Uint8Array;
}

const FIRST_TAI_NS = 1_795_336_237_000_000_000n;
const STEP_NS = 1_000_000n;
const TAI_MINUS_UTC_SECONDS = 37;
const TRUST_DOMAIN = 'ledger.example';

export class CorpusLedger {
  readonly origin = 'ledger.example/corpus';
  readonly ledgerId: Uint8Array;
  readonly applianceId: Uint8Array;
  readonly logSigner: Signer;
  readonly tpm: SoftwareTpm;
  readonly entries: Uint8Array[] = [];
  readonly #label: string;
  readonly #flaws: Flaws;
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #tree = new MerkleTree((level, index, hash) =>
    this.#nodes.set(`${level}/${index}`, hash),
  );
  readonly #agents: AgentState[] = [];
  readonly #heads = new Map<bigint, Uint8Array[]>();
  #taiNs = FIRST_TAI_NS;
  #bootIndex = 1n;
  #lastAnchor: { index: bigint; sequence: bigint } | null = null;

  constructor(label: string, flaws: Flaws = {}) {
    this.#label = label;
    this.#flaws = flaws;
    this.tpm = new SoftwareTpm(label, flaws.tpm);
    this.logSigner = ed25519Signer(`${label} log key`);
    const provisioningRecord = encodeProvisioningRecord({
      version: 1,
      origin: this.origin,
      trustDomain: TRUST_DOMAIN,
      operators: [...(flaws.operators ?? [])],
      nonce: seed(`${flaws.impersonated ?? label} nonce`),
    });
    this.ledgerId = ledgerIdOf(provisioningRecord);
    const document = describeAppliance(this.tpm, this.ledgerId);
    const applianceDocument = encodeApplianceDocument(
      flaws.document?.(document, this.tpm) ?? document,
    );
    this.applianceId = applianceIdOf(applianceDocument);
    const logKey = flaws.genesisLogKey ?? this.logKey;
    this.append({ kind: 'genesis', provisioningRecord, logKey, applianceDocument });
    this.boot();
  }

  /** Verifier key of the log. */
  get logKey(): string {
    return formatVerifierKey({ name: this.origin, key: this.logSigner.publicKey });
  }

  get size(): bigint {
    return this.#tree.size;
  }

  /** The policy under which this ledger's bundles are valid. */
  policy(changes: Partial<TrustPolicy> = {}): TrustPolicy {
    return {
      version: 1,
      name: 'corpus',
      ledgerId: this.ledgerId,
      origin: this.origin,
      logKey: this.logKey,
      appliances: [{ number: 0, id: this.applianceId, label: 'emulated' }],
      acceptLabels: ['emulated'],
      unknownCosigners: 'refuse',
      minimumWriterLevel: 'credentials',
      minimumCoverage: 'self-reported',
      minimumTimeLevel: 'UNKNOWN',
      ...changes,
    };
  }

  /** Appends an entry and returns its index; `time` and the links are filled in. */
  append(fields: { readonly kind: Entry['kind'] } & Record<string, unknown>): bigint {
    const index = this.size;
    if (!('time' in fields)) this.#taiNs += STEP_NS;
    const previous = this.entries.at(-1);
    const entry = {
      previousLeafHash: previous === undefined ? ZERO_HASH : leafHash(previous),
      time: this.#time(),
      appliance: 0,
      ...fields,
    } as unknown as Entry;
    const bytes = encodeEntry(this.#flaws.entry?.(entry, index) ?? entry);
    this.entries.push(bytes);
    this.#tree.append(bytes);
    return index;
  }

  /** So much time passes on the daemon's clock, and none on the TPM's. */
  pass(ms: bigint): void {
    this.#taiNs += ms * 1_000_000n;
  }

  boot(): bigint {
    this.#bootIndex = this.size;
    return this.append({
      kind: 'boot',
      bootNumber: Number(this.#bootIndex),
      softwareVersion: '0.1.0',
      kernelBootId: seed('kernel boot').subarray(0, 16),
      writerLevel: 'pidfd',
      attestationLabel: 'emulated',
      tokenLabel: 'emulated',
      bootQuote: null,
      commitments: [],
    });
  }

  enrol(name: string, algorithm: 'Ed25519' | 'ESP256' = 'Ed25519'): AgentState {
    const label = `${this.#label} agent ${name}`;
    const signer = algorithm === 'Ed25519' ? ed25519Signer(label) : p256Signer(label);
    const request: EnrolmentRequest = {
      version: 1,
      ledgerId: this.ledgerId,
      nonce: seed('enrolment nonce'),
      agentId: formatAgentId(TRUST_DOMAIN, name),
      owner: 'Payments team',
      purpose: 'Files the monthly reports',
      key: encodeCoseKey(signer.publicKey),
    };
    const signed = encodeEnrolmentRequest(this.#flaws.enrolment?.(request) ?? request);
    const proofSigner = this.#flaws.enrolmentSigner ?? signer;
    const { agentId, owner, purpose, key } = request;
    const index = this.append({
      kind: 'agent.enrol',
      ...{ agentId, owner, purpose, key },
      proofOfPossession: coseSign(proofSigner, ENROLMENT_TYPE, signed),
      enrolledBy: { uid: 1000, via: 'control' },
      commitments: [],
      authorisations: [],
    });
    const agent = { agentId, signer, index, sessions: 0, head: null };
    this.#agents.push(agent);
    return agent;
  }

  openSession(agent: AgentState): SessionState {
    const request: SessionRequest = {
      version: 1,
      ledgerId: this.ledgerId,
      challenge: seed('challenge'),
      agentId: agent.agentId,
      client: 'corpus',
      resumeSessionId: null,
    };
    const signed = encodeSessionRequest(this.#flaws.session?.(request) ?? request);
    const number = agent.sessions;
    agent.sessions += 1;
    const index = this.append({
      kind: 'session.open',
      agentIndex: agent.index,
      sessionNumber: number,
      request: coseSign(this.#flaws.sessionSigner ?? agent.signer, SESSION_TYPE, signed),
      writerLevel: 'pidfd',
      commitments: [],
    });
    const id = leafHash(this.entries.at(-1) as Uint8Array);
    return { agent, index, id, number, sequence: 0n, previousStatementHash: ZERO_HASH };
  }

  /** Appends a statement over `envelopes` and its actions; returns the actions' indexes. */
  submit(session: SessionState, envelopes: readonly Envelope[]): bigint[] {
    const encoded = envelopes.map(encodeEnvelope);
    const payload: StatementPayload = {
      version: 1,
      ledgerId: this.ledgerId,
      sessionId: session.id,
      firstSequence: session.sequence,
      previousStatementHash: session.previousStatementHash,
      actionCount: envelopes.length,
      root: statementRoot(encoded),
    };
    const signed = encodeStatementPayload(this.#flaws.statement?.(payload) ?? payload);
    const signer = this.#flaws.statementSigner ?? session.agent.signer;
    const statement = coseSign(signer, STATEMENT_TYPE, signed);
    session.previousStatementHash = statementHash(statement);
    const common = { sessionIndex: session.index, writerLevel: 'pidfd' };
    this.append({ kind: 'statement', ...common, statement });
    const time = this.#time(); // of the whole frame
    return encoded.map((envelope) => this.#action(session, { ...common, envelope, time }));
  }

  alarm(): bigint {
    return this.append({ kind: 'alarm', code: 'test', message: 'an entry of no consequence' });
  }

  timeEvidence(): bigint {
    const evidence = encodeTimeEvidence(this.#timeEvidence());
    return this.append({ kind: 'time-evidence', evidence, commitments: [] });
  }

  /** Appends an anchor of the tree as it stands before `meanwhile`, as if the TPM took its time. */
  anchor(kind: AnchorEntry['kind'], meanwhile?: () => unknown): bigint {
    if (kind === 'counter-anchor') this.tpm.counter += 1n;
    const draft = this.#attestAnchor(kind);
    meanwhile?.();
    const index = this.append({ ...(this.#flaws.anchor?.(draft, this.size, this) ?? draft) });
    this.#lastAnchor = { index, sequence: draft.anchorSequence };
    return index;
  }

  /** The next anchor follows the entry at `index` as the one of `sequence`. */
  follow(index: bigint, sequence: bigint): void {
    this.#lastAnchor = { index, sequence };
  }

  /** The tree head of the first `size` entries. */
  head(size: bigint = this.size): TreeHead {
    const tree = new MerkleTree();
    for (const entry of this.entries.slice(0, Number(size))) tree.append(entry);
    return { origin: this.origin, size, root: tree.root() };
  }

  /** A checkpoint with the log key's line and, if asked for, the TPM's. */
  checkpoint(head: TreeHead = this.head(), lines: 'log' | 'both' = 'both'): Uint8Array {
    const message = encodeUtf8(formatTreeHead(head));
    const log: NoteSignature = {
      name: this.origin,
      keyId: verifierKeyId({ name: this.origin, key: this.logSigner.publicKey }),
      signature: this.logSigner.sign(message),
    };
    return formatCheckpoint(head, lines === 'log' ? [log] : [log, this.tpmLine(message)]);
  }

  tpmLine(message: Uint8Array): NoteSignature {
    const name = `${this.origin}/appliance/0`;
    const { checkpointKey } = this.tpm;
    return {
      name,
      keyId: verifierKeyId({ name, key: checkpointKey.publicKey }),
      signature: derOfP1363(checkpointKey.sign(message)),
    };
  }

  /** This log as of `checkpoint`, for the builder of bundles. */
  source(checkpoint: Uint8Array = this.checkpoint(), size: bigint = this.size): BundleSource {
    return sourceOf({
      checkpoint,
      entries: this.entries.slice(0, Number(size)),
      getHash: (level, index) => this.#nodes.get(`${level}/${index}`) as Uint8Array,
      agentHeads: this.#heads,
    });
  }

  #action(session: SessionState, fields: Record<string, unknown>): bigint {
    const sequence = session.sequence;
    const index = this.append({
      kind: 'action',
      ...fields,
      sequence,
      ruleSetIndex: null,
      decision: { verdict: 'none', determining: [], errors: [] },
    });
    session.sequence += 1n;
    const { agent, number } = session;
    const { agentId } = agent;
    agent.head = { agentId, sessionNumber: number, lastSequence: sequence, lastIndex: index };
    return index;
  }

  #attestAnchor(kind: AnchorEntry['kind']): AnchorDraft {
    const leaves = this.#agents
      .flatMap(({ head }) => (head === null ? [] : [head]))
      .sort((a, b) => (a.agentId < b.agentId ? -1 : 1))
      .map(encodeAgentHead);
    const heads = new MerkleTree();
    for (const leaf of leaves) heads.append(leaf);
    this.#heads.set(this.size, leaves);
    const last = this.#lastAnchor;
    const treeHead = this.head();
    const tied = {
      anchorSequence: last === null ? 0n : last.sequence + 1n,
      previousAnchorIndex: last?.index ?? null,
      previousAnchorLeafHash:
        last === null ? ZERO_HASH : leafHash(this.entries[Number(last.index)] as Uint8Array),
      size: treeHead.size,
      root: treeHead.root,
      agentHeadsRoot: heads.root(),
      counterExpected: this.tpm.counter,
    };
    const left = this.tpm.getTime(leftQualifier(tied));
    const reading = this.#timeEvidence();
    const evidence =
      this.#flaws.sourcedEvidence ?? encodeTimeEvidence(this.#flaws.evidence?.(reading) ?? reading);
    this.#flaws.beforeRight?.(this.tpm);
    const digest = anchorDigest({
      ...tied,
      ledgerId: this.ledgerId,
      applianceId: this.applianceId,
      evidenceHash: sha256(evidence),
    });
    const right = this.tpm.getTime(rightQualifier(left.attest, digest), 'R');
    const counter = this.tpm.certifyCounter(counterQualifier(right.attest));
    const checkpoint = this.checkpoint(treeHead);
    const extras = { quote: null, extend: null, commitments: [] };
    return { kind, ...tied, evidence, checkpoint, left, right, counter, ...extras };
  }

  #time(): EntryTime {
    return {
      taiNs: this.#taiNs,
      monotonicRawNs: this.#taiNs - FIRST_TAI_NS,
      bootIndex: this.#bootIndex,
      statisticalNs: null,
      adversarialNs: null,
      level: 'UNKNOWN',
      timeEvidenceIndex: null,
    };
  }

  #timeEvidence(): TimeEvidence {
    const realtimeNs = this.#taiNs - BigInt(TAI_MINUS_UTC_SECONDS) * 1_000_000_000n;
    return {
      version: 1,
      source: 'system-clock',
      realtimeBeforeNs: realtimeNs,
      monotonicRawNs: this.#taiNs - FIRST_TAI_NS,
      realtimeAfterNs: realtimeNs + 100n,
      taiMinusUtcSeconds: TAI_MINUS_UTC_SECONDS,
      leapListExpiryUnixSeconds: 1_814_140_800,
      kernelState: { state: 0, status: 0x2001, maxErrorUs: 500, estimatedErrorUs: 0 },
    };
  }
}
