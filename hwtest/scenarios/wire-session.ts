/**
 * A session on a `WireClient`, and statements for it in which any part can be made wrong on
 * purpose: what is not named in `Flaws` is as it should be, signature included.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import type { SigningKey } from '@kudurru/agent';
import {
  commitmentDigest,
  encodeCbor,
  encodeEnvelope,
  encodeSessionRequest,
  encodeSign1,
  SESSION_TYPE,
  sign1Message,
  STATEMENT_TYPE,
  statementHash,
  statementRoot,
  ZERO_HASH,
  type CborValue,
  type Commitment,
} from '@kudurru/proof';

import type { EnrolledAgent } from '../backends/control.ts';
import { cborFrame, FRAME, WireClient } from './wire-client.ts';

const inputField = 1;

/** One body, and the action that it goes with. */
export interface Body {
  readonly salt: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface Flaws {
  readonly ledgerId?: Uint8Array;
  readonly sessionId?: Uint8Array;
  readonly firstSequence?: number;
  readonly previousStatementHash?: Uint8Array;
  readonly actionCount?: number;
  readonly root?: Uint8Array;
  /** Signs in the place of the agent's key, which the header still names. */
  readonly signer?: SigningKey;
  /** Signs, and is named. */
  readonly key?: SigningKey;
  /** One action each; default is one of 5 bytes. The commitments are made from these. */
  readonly bodies?: readonly Body[];
  /** Travel in the place of `bodies`. */
  readonly sentBodies?: readonly Body[];
  /** Stand in the place of those made for `bodies`. */
  readonly envelopes?: readonly Uint8Array[];
  readonly level?: number;
}

export interface Statement {
  readonly cose: Uint8Array;
  readonly frame: Uint8Array;
  readonly firstSequence: number;
  readonly actionCount: number;
}

export function freshBody(bytes: Uint8Array = new TextEncoder().encode('hello')): Body {
  return { salt: new Uint8Array(randomBytes(32)), bytes };
}

export class WireSession {
  readonly client: WireClient;
  readonly ledgerId: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly #key: SigningKey;
  #nextSequence = 0;
  #previousStatementHash: Uint8Array = ZERO_HASH;

  private constructor(client: WireClient, ids: readonly Uint8Array[], key: SigningKey) {
    const [ledgerId, sessionId] = ids;
    assert.ok(ledgerId !== undefined && sessionId !== undefined);
    this.client = client;
    this.ledgerId = ledgerId;
    this.sessionId = sessionId;
    this.#key = key;
  }

  static async open(socketPath: string, enrolled: EnrolledAgent): Promise<WireSession> {
    const client = await WireClient.connect(socketPath);
    const greeting = await greet(client);
    client.send(openFrame(greeting, enrolled));
    const [sessionId] = await client.expect('opened');
    assert.ok(sessionId instanceof Uint8Array);
    return new WireSession(client, [greeting.ledgerId, sessionId], enrolled.key);
  }

  /** Takes the session up again on a new connection, where the ledger says that it stands. */
  async resume(socketPath: string, enrolled: EnrolledAgent): Promise<WireSession> {
    const client = await WireClient.connect(socketPath);
    const greeting = await greet(client);
    client.send(openFrame(greeting, enrolled, this.sessionId));
    const [sessionId, , , nextSequence, previousStatementHash] = await client.expect('opened');
    assert.ok(sessionId instanceof Uint8Array && previousStatementHash instanceof Uint8Array);
    assert.ok(typeof nextSequence === 'number');
    const session = new WireSession(client, [greeting.ledgerId, sessionId], enrolled.key);
    session.#nextSequence = nextSequence;
    session.#previousStatementHash = previousStatementHash;
    return session;
  }

  /** The statement that is due next, but for its flaws. It is not sent, and moves nothing. */
  make(flaws: Flaws = {}): Statement {
    const bodies = flaws.bodies ?? [freshBody()];
    const envelopes = flaws.envelopes ?? bodies.map((body) => envelopeOf(body));
    const firstSequence = flaws.firstSequence ?? this.#nextSequence;
    const actionCount = flaws.actionCount ?? envelopes.length;
    const payload = encodeCbor([
      1,
      flaws.ledgerId ?? this.ledgerId,
      flaws.sessionId ?? this.sessionId,
      firstSequence,
      flaws.previousStatementHash ?? this.#previousStatementHash,
      actionCount,
      flaws.root ?? statementRoot(envelopes),
    ]);
    const named = flaws.key ?? this.#key;
    const content = { ...headerOf(named), type: STATEMENT_TYPE, payload };
    const signature = (flaws.signer ?? named).sign(sign1Message(content));
    const cose = encodeSign1({ ...content, signature });
    const sent = (flaws.sentBodies ?? bodies).map(({ salt, bytes }, offset): CborValue => [
      offset,
      inputField,
      salt,
      bytes,
    ]);
    const frame = cborFrame(FRAME.submit, [cose, [...envelopes], sent, flaws.level ?? 1]);
    return { cose, frame, firstSequence, actionCount };
  }

  /** Sends the statement that is due next, and goes on behind it. */
  async submit(bodies?: readonly Body[]): Promise<Receipt> {
    const statement = this.make(bodies === undefined ? {} : { bodies });
    this.client.send(statement.frame);
    const receipt = await this.receipt();
    this.passed(statement);
    return receipt;
  }

  async receipt(): Promise<Receipt> {
    const answer = await this.client.expect('committed');
    return { encoded: encodeCbor(answer) };
  }

  /** The statement was committed: the next one follows it. */
  passed({ cose, firstSequence, actionCount }: Statement): void {
    this.#nextSequence = firstSequence + actionCount;
    this.#previousStatementHash = statementHash(cose);
  }
}

/** A `committed` frame's payload, as it came: two are the same or not. */
export interface Receipt {
  readonly encoded: Uint8Array;
}

/** What a connection is told in `welcome`, and a session request answers. */
export interface Greeting {
  readonly ledgerId: Uint8Array;
  readonly challenge: Uint8Array;
}

export async function greet(client: WireClient): Promise<Greeting> {
  client.send(cborFrame(FRAME.hello, [1, 'wire client']));
  const [, ledgerId, , challenge] = await client.expect('welcome');
  assert.ok(ledgerId instanceof Uint8Array && challenge instanceof Uint8Array);
  return { ledgerId, challenge };
}

/** The frame that asks for a session, or for one to be taken up again. */
export function openFrame(
  greeting: Greeting,
  { agentId, key }: EnrolledAgent,
  resumeSessionId: Uint8Array | null = null,
): Uint8Array {
  const client = 'wire client';
  const payload = encodeSessionRequest({
    version: 1,
    ...greeting,
    agentId,
    client,
    resumeSessionId,
  });
  const content = { ...headerOf(key), type: SESSION_TYPE, payload };
  const request = encodeSign1({ ...content, signature: key.sign(sign1Message(content)) });
  return cborFrame(FRAME.open, [request]);
}

function headerOf(key: SigningKey): { algorithm: 'Ed25519' | 'ESP256'; keyId: Uint8Array } {
  return { algorithm: key.publicKey.algorithm, keyId: key.keyId };
}

function envelopeOf({ salt, bytes }: Body): Uint8Array {
  const commitment: Commitment & { field: 'input' } = {
    field: 'input',
    length: bytes.length,
    digest: commitmentDigest({ field: 'input', salt, bytes }),
    mediaType: null,
    deposited: true,
  };
  return encodeEnvelope({
    version: 1,
    kind: 'observation',
    actionType: 'decision',
    operation: 'test/wire',
    coverage: 'self-reported',
    commitments: [commitment],
  });
}
