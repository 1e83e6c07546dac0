/**
 * A ledger reduced to its agent socket (SPEC §6), for tests of the protocol's unhappy moments,
 * which the real daemon does not produce on demand. It checks all that is signed, keeps a real
 * Merkle tree, and lets a test decide the fate of each submission.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  consistencyProof,
  decodeCbor,
  decodeSessionRequest,
  decodeStatement,
  encodeCbor,
  encodeEntry,
  encodeHex,
  formatCheckpoint,
  inclusionProof,
  isCborArray,
  leafHash,
  rootOfLeafHashes,
  rootOfTree,
  sha256,
  statementHash,
  statementRoot,
  verifySign1,
  ZERO_HASH,
  type CborArray,
  type CborValue,
  type Entry,
  type EntryTime,
  type PublicKey,
} from '@kudurru/proof';

import { encodeFrame, FRAME_TYPE, FrameReader } from '../src/frame.ts';
import { requireBodies, takeChunk, type Arrived } from './arrived-bodies.ts';

/** What becomes of a submission. */
export type Fate = 'commit' | 'refuse' | 'drop' | 'commit-and-drop' | 'hold';

interface Session {
  readonly id: Uint8Array;
  nextSequence: bigint;
  previousStatementHash: Uint8Array;
}

interface Stored {
  readonly statement: Uint8Array;
  readonly committed: CborArray;
}

export class LedgerServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'kudurru-agent-'));
  readonly socketPath = join(this.folder, 'agent.sock');
  readonly agentKey: PublicKey;
  limits = [4_194_304, 1024, 262_144, 4];
  ledgerId = sha256(Uint8Array.of(1));
  /** Asked once a submission that is new. */
  fate: (firstSequence: bigint, at: number) => Fate = () => 'commit';
  /** Whether sessions survive the loss of their connection. */
  resumes = true;
  /** Replaces the head a session is taken up again at. */
  resumeHead: ((session: Session) => Pick<Session, 'nextSequence'>) | null = null;
  /** Alters the receipt of a statement that is submitted again. */
  alterRepeated: (committed: CborArray) => CborArray = (committed) => committed;
  /** Alters what an anchored push holds; null for none. */
  alterAnchored: (receipt: CborArray) => CborArray | null = (receipt) => receipt;
  /** Frames of submissions, as they came. */
  readonly submissions: Uint8Array[] = [];
  readonly entries: Uint8Array[] = [];
  outstandingMax = 0;
  /** Body-chunk frames that came, on all connections. */
  chunks = 0;
  /** The connection is dropped when this one comes. */
  dropAtChunk = 0;
  readonly sessions = new Map<string, Session>();
  readonly #stored = new Map<string, Stored>();
  readonly #sockets = new Set<Socket>();
  readonly #held: (() => void)[] = [];
  #server: Server | null = null;

  constructor(agentKey: PublicKey) {
    this.agentKey = agentKey;
  }

  async listen(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server = createServer((socket) => this.#serve(socket)).listen(this.socketPath, resolve);
    await promise;
  }

  /** Ends all connections and listens no more; what was committed is kept. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#server === null) resolve();
    else this.#server.close(() => resolve());
    await promise;
    this.#server = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Answers the submissions that were held, in order. */
  release(): void {
    for (const answer of this.#held.splice(0)) answer();
  }

  /** Sends raw bytes on every connection. */
  sendRaw(bytes: Uint8Array): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const reader = new FrameReader();
    const connection = new ServedConnection(this, socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      for (const { type, payload } of reader.push(chunk)) {
        const items = decodeCbor(payload);
        assert.ok(isCborArray(items));
        connection.take(type, items, payload);
      }
    });
  }

  append(entry: EntryContent): { index: bigint; entry: Uint8Array } {
    const bytes = encodeEntry({ previousLeafHash: ZERO_HASH, time: TIME, appliance: 0, ...entry });
    this.entries.push(bytes);
    return { index: BigInt(this.entries.length - 1), entry: bytes };
  }

  hashOf = (level: number, index: bigint): Uint8Array => {
    const start = index << BigInt(level);
    const leaves = this.entries.slice(Number(start), Number(start + (1n << BigInt(level))));
    return rootOfLeafHashes(leaves.map((entry) => leafHash(entry)));
  };

  rootAt(size: bigint): Uint8Array {
    return rootOfTree(size, this.hashOf);
  }

  openSession(): Session {
    const reason = `a session, ${this.entries.length}`;
    const { entry } = this.append({ kind: 'stop', reason, openSessions: 0 });
    const session = { id: leafHash(entry), nextSequence: 0n, previousStatementHash: ZERO_HASH };
    this.sessions.set(encodeHex(session.id), session);
    return session;
  }

  storedAt(session: Session, sequence: bigint): Stored | undefined {
    return this.#stored.get(`${encodeHex(session.id)} ${sequence}`);
  }

  /** Makes the statement durable and gives its `committed` payload. */
  commit(session: Session, statement: Uint8Array, envelopes: CborArray): CborArray {
    const firstSequence = session.nextSequence;
    const common = { sessionIndex: 0n, writerLevel: 'pidfd-inode' } as const;
    const { index } = this.append({ kind: 'statement', ...common, statement });
    for (const [offset, envelope] of envelopes.entries()) {
      const sequence = firstSequence + BigInt(offset);
      const decision = { verdict: 'none', determining: [], errors: [] } as const;
      const facts = { ...common, sequence, ruleSetIndex: null, decision };
      this.append({ kind: 'action', ...facts, envelope: envelope as Uint8Array });
    }
    session.nextSequence += BigInt(envelopes.length);
    session.previousStatementHash = statementHash(statement);
    const size = BigInt(this.entries.length);
    const receipt = [index, envelopes.length, size, this.rootAt(size)];
    const committed = [firstSequence, receipt, WIRE_TIME];
    this.#stored.set(`${encodeHex(session.id)} ${firstSequence}`, { statement, committed });
    return committed;
  }

  anchoredReceipt(statementIndex: bigint): CborArray | null {
    const size = BigInt(this.entries.length);
    const root = this.rootAt(size);
    const line = { name: ORIGIN, keyId: new Uint8Array(4), signature: new Uint8Array(64) };
    const anchor = this.append({
      kind: 'anchor',
      ...{ size, root, checkpoint: formatCheckpoint({ origin: ORIGIN, size, root }, [line]) },
      ...{ anchorSequence: 0n, previousAnchorIndex: null, previousAnchorLeafHash: ZERO_HASH },
      ...{ agentHeadsRoot: ZERO_HASH, evidence: Uint8Array.of(0), counterExpected: 1n },
      ...{ left: ATTESTATION, right: ATTESTATION, counter: ATTESTATION },
      ...{ quote: null, extend: null, commitments: [] },
    });
    const treeSize = BigInt(this.entries.length);
    const path = (index: bigint): CborArray => inclusionProof(index, treeSize, this.hashOf);
    const head = { origin: ORIGIN, size: treeSize, root: this.rootAt(treeSize) };
    return this.alterAnchored([
      formatCheckpoint(head, [line]),
      [anchor.index, anchor.entry, path(anchor.index)],
      [statementIndex, this.entries[Number(statementIndex)] ?? null, path(statementIndex)],
      consistencyProof(size, treeSize, this.hashOf),
    ]);
  }

  hold(answer: () => void): void {
    this.#held.push(answer);
  }
}

export const ORIGIN = 'test.example/log';
const TIME: EntryTime = {
  taiNs: 1_800_000_000_000_000_000n,
  monotonicRawNs: 1n,
  bootIndex: 1n,
  statisticalNs: null,
  adversarialNs: null,
  level: 'UNKNOWN',
  timeEvidenceIndex: null,
};
const WIRE_TIME = [TIME.taiNs, 1, 1, null, null, 0, null];
const ATTESTATION = { attest: new Uint8Array(100), signature: new Uint8Array(64) };

/** An entry but for what every entry begins with. */
type EntryContent = Entry extends infer One
  ? One extends Entry
    ? Omit<One, 'previousLeafHash' | 'time' | 'appliance'>
    : never
  : never;

class ServedConnection {
  readonly #server: LedgerServer;
  readonly #socket: Socket;
  #session: Session | null = null;
  readonly #arrived: Arrived[] = [];
  #outstanding = 0;

  constructor(server: LedgerServer, socket: Socket) {
    this.#server = server;
    this.#socket = socket;
  }

  take(type: number, items: CborArray, payload: Uint8Array): void {
    if (type === FRAME_TYPE.hello) this.#welcome();
    else if (type === FRAME_TYPE.open) this.#open(items[0] as Uint8Array);
    else if (type === FRAME_TYPE.bodyChunk) this.#takeChunk(items);
    else if (type === FRAME_TYPE.submit) this.#submit(items, payload);
    else if (type === FRAME_TYPE.close) this.#close();
    else assert.fail(`frame of type ${type}`);
  }

  #welcome(): void {
    const { ledgerId, limits } = this.#server;
    this.#send(FRAME_TYPE.welcome, [1, ledgerId, ORIGIN, CHALLENGE, 3, limits]);
  }

  #open(request: Uint8Array): void {
    const { sign1, content } = decodeSessionRequest(request);
    assert.ok(verifySign1(sign1, this.#server.agentKey));
    assert.deepEqual(content.challenge, CHALLENGE);
    const resumed = content.resumeSessionId;
    const found = resumed === null ? null : this.#server.sessions.get(encodeHex(resumed));
    if (resumed !== null && (found === undefined || !this.#server.resumes)) {
      this.#send(FRAME_TYPE.refused, [null, 'session-unknown', 'no such session', 0]);
      return;
    }
    this.#session = found ?? this.#server.openSession();
    const head = { ...this.#session, ...this.#server.resumeHead?.(this.#session) };
    const { id, nextSequence, previousStatementHash } = head;
    this.#send(FRAME_TYPE.opened, [id, 0, 0, nextSequence, previousStatementHash]);
  }

  #takeChunk(items: CborArray): void {
    this.#server.chunks += 1;
    if (this.#server.chunks === this.#server.dropAtChunk) {
      this.#socket.destroy();
      return;
    }
    takeChunk(this.#arrived, items);
  }

  #submit(items: CborArray, payload: Uint8Array): void {
    const arrived = this.#arrived.splice(0);
    this.#outstanding += 1;
    this.#server.outstandingMax = Math.max(this.#server.outstandingMax, this.#outstanding);
    const at = this.#server.submissions.push(payload) - 1;
    // Later, so that a client that sends too much is seen to.
    setImmediate(() => this.#answer(items, { at, arrived }));
  }

  #answer(
    items: CborArray,
    { at, arrived }: { readonly at: number; readonly arrived: readonly Arrived[] },
  ): void {
    if (this.#socket.destroyed) return;
    const session = this.#session;
    assert.ok(session !== null);
    const [statement, envelopes, bodies, level] = items as [
      Uint8Array,
      Uint8Array[],
      CborArray[],
      number,
    ];
    const { sign1, content } = decodeStatement(statement);
    assert.ok(verifySign1(sign1, this.#server.agentKey));
    assert.deepEqual(content.sessionId, session.id);
    assert.deepEqual(content.root, statementRoot(envelopes));
    assert.equal(content.actionCount, envelopes.length);
    const { firstSequence } = content;
    const stored = this.#server.storedAt(session, firstSequence);
    if (stored !== undefined && Buffer.compare(stored.statement, statement) === 0) {
      assert.equal(arrived.length, 0);
      this.#commit(this.#server.alterRepeated(stored.committed), level);
      return;
    }
    requireBodies(envelopes, bodies, arrived);
    if (firstSequence !== session.nextSequence) {
      this.#refuse(firstSequence, 'sequence-gap');
      return;
    }
    const fate = this.#server.fate(firstSequence, at);
    const commit = (): CborArray => this.#server.commit(session, statement, envelopes);
    if (fate === 'refuse') this.#refuse(firstSequence, 'not-today');
    else if (fate === 'commit') this.#commit(commit(), level);
    else if (fate === 'hold') this.#server.hold(() => this.#commit(commit(), level));
    else {
      if (fate === 'commit-and-drop') commit();
      this.#socket.destroy();
    }
  }

  #commit(committed: CborArray, level: number): void {
    this.#outstanding -= 1;
    this.#send(FRAME_TYPE.committed, committed);
    if (level < 2) return;
    const [firstSequence = null, receipt] = committed;
    const [index] = receipt as CborArray;
    const anchored = this.#server.anchoredReceipt(index as bigint);
    if (anchored !== null) this.#send(FRAME_TYPE.anchored, [firstSequence, anchored]);
  }

  #refuse(firstSequence: bigint, code: string): void {
    this.#outstanding -= 1;
    this.#send(FRAME_TYPE.refused, [firstSequence, code, `refused: ${code}`, 0]);
  }

  #close(): void {
    const session = this.#session;
    assert.ok(session !== null);
    this.#send(FRAME_TYPE.closed, [session.id, session.nextSequence]);
  }

  #send(type: number, payload: CborValue): void {
    if (!this.#socket.destroyed) {
      this.#socket.write(encodeFrame({ type, payload: encodeCbor(payload) }));
    }
  }
}

const CHALLENGE = sha256(Uint8Array.of(2));
