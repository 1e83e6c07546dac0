/**
 * A group record's payload (the layout is that of native/src/core/ledger/group.h) and what of it
 * can be judged by itself: the form of entries, the root that each statement signs, bodies against
 * commitments. The same findings as native/src/core/fsck/group-check.
 */
import {
  commitmentFieldNumber,
  decodeEntry,
  decodeEnvelope,
  decodeStatement,
  equalBytes,
  leafHash,
  ProofError,
  statementRoot,
  type Commitment,
  type Entry,
} from '@kudurru/proof';

import type { Finding } from '../finding.ts';
import { parseChunkList, type ChunkList, type ChunkReader } from './chunks.ts';
import { damageAt, type Position } from './position.ts';
import { RECORD_HEADER_BYTES } from './segment.ts';

const HEADER_BYTES = 56;
const SCOPE_BYTES_MAX = 64;
const SEALED_OVERHEAD_BYTES = 48; // salt and tag
const CHUNKED_BIT = 0x80000000; // of a body's length: a list of chunks stands in its place

interface SealedBody {
  readonly entry: number;
  readonly field: number;
  readonly scope: string;
  readonly digest: Uint8Array;
  readonly sealedBytes: number;
  /** Of a large body: then nothing of it is here. */
  readonly chunks: ChunkList | null;
}

export interface Group {
  readonly firstIndex: bigint;
  readonly root: Uint8Array;
  readonly entries: readonly Uint8Array[];
  /** Of each entry, in the payload. */
  readonly offsets: readonly number[];
  readonly bodies: readonly SealedBody[];
  /** Of each entry, where the group is no record but was read from published bundles. */
  readonly places?: readonly Pick<Finding, 'file' | 'offset'>[];
}

/** Null for a payload of another form. */
export function parseGroup(payload: Uint8Array): Group | null {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(0) !== 0x01000000) return null;
  const count = bytes.readUInt32BE(4);
  const end = HEADER_BYTES + bytes.readUInt32BE(16);
  if (count === 0 || end > bytes.length) return null;
  const entries: Uint8Array[] = [];
  const offsets: number[] = [];
  let at = HEADER_BYTES;
  while (end - at >= 2) {
    const next = at + 2 + bytes.readUInt16BE(at);
    if (next > end) return null;
    offsets.push(at + 2);
    entries.push(new Uint8Array(bytes.subarray(at + 2, next)));
    at = next;
  }
  if (at !== end || entries.length !== count) return null;
  const bodies = parseBodies(bytes.subarray(end), count);
  if (bodies?.length !== bytes.readUInt32BE(20)) return null;
  const root = new Uint8Array(bytes.subarray(24, HEADER_BYTES));
  return { firstIndex: bytes.readBigUInt64BE(8), root, entries, offsets, bodies };
}

function parseBodies(bytes: Buffer, entryCount: number): SealedBody[] | null {
  const bodies: SealedBody[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < 6) return null;
    const entry = bytes.readUInt32BE(at);
    const scopeBytes = bytes.readUInt8(at + 5);
    const head = at + 6 + scopeBytes + 32 + 4;
    if (scopeBytes > SCOPE_BYTES_MAX || head > bytes.length || entry >= entryCount) return null;
    const length = bytes.readUInt32BE(head - 4);
    const sealedBytes = length % CHUNKED_BIT;
    if (head + sealedBytes > bytes.length) return null;
    const isChunked = length >= CHUNKED_BIT;
    const chunks = isChunked ? parseChunkList(bytes.subarray(head, head + sealedBytes)) : null;
    if (isChunked && chunks === null) return null;
    const digest = new Uint8Array(bytes.subarray(head - 36, head - 4));
    const scope = bytes.toString('latin1', at + 6, at + 6 + scopeBytes);
    bodies.push({ entry, field: bytes.readUInt8(at + 4), scope, digest, sealedBytes, chunks });
    at = head + sealedBytes;
  }
  return bodies;
}

export interface CheckedEntry {
  readonly bytes: Uint8Array;
  /** Null where it is malformed. */
  readonly entry: Entry | null;
  readonly leafHash: Uint8Array;
}

export interface GroupCheckOptions {
  /** Bodies of entries before it are passed over. */
  readonly from: bigint;
  readonly chunks: ChunkReader;
  /** Chunks in segments before it were retired. */
  readonly firstSegment: number;
}

export class GroupCheck {
  readonly group: Group;
  readonly position: Position;
  readonly entries: CheckedEntry[] = [];
  readonly findings: Finding[] = [];
  bodies = 0n;
  /** Not here, because their segments were retired. */
  bodiesRetired = 0n;
  readonly #options: GroupCheckOptions;
  #body = 0;
  #statement: { readonly place: number; readonly root: Uint8Array } | null = null;
  #envelopes: Uint8Array[] = [];

  constructor(group: Group, position: Position, options: GroupCheckOptions) {
    this.group = group;
    this.position = position;
    this.#options = options;
    for (const [place, bytes] of group.entries.entries()) this.#take(place, bytes);
    this.#endStatement();
    this.#dropBodiesBefore(group.entries.length, 0);
  }

  get isRetired(): boolean {
    return this.group.places !== undefined;
  }

  damage(code: string, place: number, message: string): Finding {
    const finding = damageAt(this.position, code, message);
    const published = this.group.places?.[place];
    if (published !== undefined) {
      const index = this.group.firstIndex + BigInt(place);
      return { ...finding, ...published, record: null, entry: index };
    }
    const within = RECORD_HEADER_BYTES + (this.group.offsets[place] ?? 0);
    const entry = this.group.firstIndex + BigInt(place);
    return { ...finding, entry, offset: finding.offset + BigInt(within) };
  }

  #take(place: number, bytes: Uint8Array): void {
    const hash = leafHash(bytes);
    const entry = this.#decoded(place, () => decodeEntry(bytes));
    this.entries.push({ bytes, entry, leafHash: hash });
    if (entry === null) return;
    if (entry.kind === 'action') {
      const envelope = this.#decoded(place, () => decodeEnvelope(entry.envelope));
      if (envelope === null) return;
      this.#envelopes.push(entry.envelope);
      this.#checkBodies(place, envelope.erasureScope ?? 'default', envelope.commitments);
      return;
    }
    this.#endStatement();
    if (entry.kind === 'statement') {
      const signed = this.#decoded(place, () => decodeStatement(entry.statement));
      if (signed !== null) this.#statement = { place, root: signed.content.root };
    }
    if ('commitments' in entry) this.#checkBodies(place, 'system', entry.commitments);
  }

  #decoded<Value>(place: number, decode: () => Value): Value | null {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      this.#say('entry-malformed', place, error.message);
      return null;
    }
  }

  #endStatement(): void {
    if (this.#statement !== null) {
      const { place, root } = this.#statement;
      if (!equalBytes(statementRoot(this.#envelopes), root)) {
        this.#say('statement-root', place, 'signs other envelopes than its actions have');
      }
    }
    this.#statement = null;
    this.#envelopes = [];
  }

  #checkBodies(place: number, scope: string, commitments: readonly Commitment[]): void {
    for (const commitment of commitments) {
      if (!commitment.deposited) continue;
      const isAsked = this.group.firstIndex + BigInt(place) >= this.#options.from;
      if (this.isRetired) {
        this.bodiesRetired += isAsked ? 1n : 0n;
        continue;
      }
      const field = commitmentFieldNumber(commitment.field);
      this.#dropBodiesBefore(place, field);
      const body = this.group.bodies[this.#body];
      const isThere =
        body?.entry === place && body.field === field && equalBytes(body.digest, commitment.digest);
      if (!isThere) {
        this.#say('body-missing', place, `field ${field} has no body of its digest`);
        continue;
      }
      this.#body += 1;
      if (isAsked) this.#checkBody(body, scope, commitment.length);
    }
  }

  #checkBody(body: SealedBody, scope: string, length: number): void {
    const { entry, field, chunks } = body;
    this.bodies += 1n;
    if (body.scope !== scope) {
      return this.#say('body-mismatch', entry, `field ${field} has a body of another scope`);
    }
    const isOfLength =
      chunks === null
        ? body.sealedBytes === length + SEALED_OVERHEAD_BYTES
        : chunks.length === length;
    if (!isOfLength) {
      return this.#say('body-mismatch', entry, `field ${field} has a body of another length`);
    }
    if (chunks === null) return;
    if ((chunks.places[0]?.segment ?? 0) < this.#options.firstSegment) {
      this.bodiesRetired += 1n;
      return;
    }
    const problem = this.#options.chunks.problemOf(chunks);
    if (problem !== null) this.#say('body-mismatch', entry, `field ${field}: ${problem}`);
  }

  #dropBodiesBefore(place: number, field: number): void {
    for (;;) {
      const body = this.group.bodies[this.#body];
      if (body === undefined || body.entry > place) return;
      if (body.entry === place && body.field >= field) return;
      this.#body += 1;
      const text = `field ${body.field} has a body and no commitment`;
      this.#say('body-unexpected', body.entry, text);
    }
  }

  #say(code: string, place: number, what: string): void {
    const index = this.group.firstIndex + BigInt(place);
    this.findings.push(this.damage(code, place, `entry ${index} ${what}`));
  }
}
