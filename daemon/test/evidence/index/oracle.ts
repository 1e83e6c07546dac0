/**
 * What the index must say, computed from the entries by @kudurru/proof and a plain filter alone.
 */
import {
  ACTION_KINDS,
  decodeEntry,
  decodeEnvelope,
  equalBytes,
  leafHash,
  STATUSES,
  type EntryOf,
  type Envelope,
} from '@kudurru/proof';

import type { Outcome, Search } from '../../../src/evidence/index/questions.ts';

export interface Action {
  readonly index: number;
  readonly entry: EntryOf<'action'>;
  readonly envelope: Envelope;
  readonly agent: number;
  readonly sessionId: Uint8Array;
}

interface Session {
  readonly id: Uint8Array;
  readonly agent: number;
}

export class Oracle {
  readonly actions: Action[] = [];
  readonly anchors: { readonly index: number; readonly size: number }[] = [];
  readonly sessions = new Map<number, Session>();

  constructor(entries: readonly Uint8Array[]) {
    entries.forEach((bytes, index) => this.#take(bytes, index));
  }

  search({ sessionId, agent, before, sinceTaiNs, untilTaiNs, limit, ...of }: Search): number[] {
    const isWanted = <Value>(wanted: Value | null, found: Value | undefined): boolean =>
      wanted === null || wanted === found;
    const areWanted = (wanted: Uint8Array | null, found: Uint8Array | undefined): boolean =>
      wanted === null || (found !== undefined && equalBytes(wanted, found));
    return this.actions
      .filter(
        (action) =>
          isWanted(agent, action.agent) &&
          areWanted(sessionId, action.sessionId) &&
          isWanted(of.kind, kindOf(action)) &&
          isWanted(of.status, statusOf(action) || undefined) &&
          isWanted(of.operation, action.envelope.operation) &&
          isWanted(of.tool, action.envelope.tool?.name) &&
          isWanted(of.externalId, action.envelope.externalId?.id) &&
          areWanted(of.trace, action.envelope.traceId) &&
          (sinceTaiNs === null || action.entry.time.taiNs >= sinceTaiNs) &&
          (untilTaiNs === null || action.entry.time.taiNs < untilTaiNs) &&
          (before === null || action.index < before),
      )
      .map(({ index }) => index)
      .toReversed()
      .slice(0, limit);
  }

  actionAt(sessionId: Uint8Array, sequence: number): number[] {
    return this.#first(
      (action) =>
        equalBytes(action.sessionId, sessionId) && Number(action.entry.sequence) === sequence,
    );
  }

  outcomeOf({ intent, agent, sessionId, sequence }: Outcome): number[] {
    return this.#first(({ index, envelope, agent: by }) => {
      const named = envelope.intent;
      if (named === undefined || index <= intent || by !== agent) return false;
      return equalBytes(named.session, sessionId) && Number(named.sequence) === sequence;
    });
  }

  anchorCovering(index: number): number[] {
    const found = this.anchors.find(({ size }) => size > index);
    return found === undefined ? [] : [found.index];
  }

  lastAnchorBelow(index: number): number[] {
    const found = this.anchors.findLast((anchor) => anchor.index < index);
    return found === undefined ? [] : [found.index];
  }

  lastActions(size: number): number[] {
    const heads = new Map<number, number>();
    for (const { agent, index } of this.actions) if (index < size) heads.set(agent, index);
    return [...heads.values()].toSorted((a, b) => a - b);
  }

  #first(test: (action: Action) => boolean): number[] {
    const found = this.actions.find(test);
    return found === undefined ? [] : [found.index];
  }

  #take(bytes: Uint8Array, index: number): void {
    const entry = decodeEntry(bytes);
    if (entry.kind === 'session.open') {
      this.sessions.set(index, { id: leafHash(bytes), agent: Number(entry.agentIndex) });
    }
    if (entry.kind === 'anchor' || entry.kind === 'counter-anchor') {
      this.anchors.push({ index, size: Number(entry.size) });
    }
    if (entry.kind !== 'action') return;
    const session = this.sessions.get(Number(entry.sessionIndex));
    if (session === undefined) throw new Error(`no session at ${entry.sessionIndex}`);
    const envelope = decodeEnvelope(entry.envelope);
    this.actions.push({ index, entry, envelope, agent: session.agent, sessionId: session.id });
  }
}

export function kindOf({ envelope }: Action): number {
  return ACTION_KINDS.indexOf(envelope.kind) + 1;
}

/** 0: none. */
export function statusOf({ envelope }: Action): number {
  return envelope.status === undefined ? 0 : STATUSES.indexOf(envelope.status) + 1;
}
