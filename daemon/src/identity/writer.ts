/**
 * The writing process of a session as the kernel named it, and the private body in which a
 * `session.open` entry keeps it (SPEC.md §7.2).
 */
import {
  decodeCbor,
  encodeCbor,
  equalBytes,
  type CborKey,
  type CborMap,
  type CborValue,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';

/** Null where the kernel did not tell. */
export interface WriterFacts {
  /** Of the kernel's boot, 16 bytes. */
  readonly bootId: Uint8Array | null;
  readonly pid: number | null;
  readonly uid: number | null;
  readonly gid: number | null;
  /** Clock ticks since boot. */
  readonly startTime: number | null;
  /** Of the pidfs file of the process; never used twice in a boot. */
  readonly inode: bigint | null;
  readonly exe: string | null;
  readonly exeSha256: Uint8Array | null;
  readonly cgroup: string | null;
}

/**
 * Whether both are one process: of the same boot, by the inode where both have it, else by process
 * id and start time. What is not known is not the same.
 */
export function isSameWriter(left: WriterFacts, right: WriterFacts): boolean {
  if (left.bootId === null || right.bootId === null) return false;
  if (!equalBytes(left.bootId, right.bootId)) return false;
  // A process that changed its user asks for another principal.
  if (left.uid === null || left.uid !== right.uid || left.gid !== right.gid) return false;
  if (left.inode !== null && right.inode !== null) return left.inode === right.inode;
  if (left.pid === null || left.startTime === null) return false;
  return left.pid === right.pid && left.startTime === right.startTime;
}

export function encodeWriterFacts(facts: WriterFacts): Uint8Array {
  return encodeCbor(new Map<CborKey, CborValue>(Object.entries(facts)));
}

/** @throws KudurruError `ledger-failed`: the ledger wrote it, so nothing else can be read here */
export function decodeWriterFacts(bytes: Uint8Array): WriterFacts {
  const value = decodeCbor(bytes);
  if (!(value instanceof Map)) throw unreadable();
  const map: CborMap = value;
  return {
    bootId: bytesOf(map.get('bootId')),
    pid: numberOf(map.get('pid')),
    uid: numberOf(map.get('uid')),
    gid: numberOf(map.get('gid')),
    startTime: numberOf(map.get('startTime')),
    inode: bigintOf(map.get('inode')),
    exe: textOf(map.get('exe')),
    exeSha256: bytesOf(map.get('exeSha256')),
    cgroup: textOf(map.get('cgroup')),
  };
}

function bytesOf(value: CborValue | undefined): Uint8Array | null {
  if (value === null || value instanceof Uint8Array) return value;
  throw unreadable();
}

function numberOf(value: CborValue | undefined): number | null {
  if (value === null || typeof value === 'number') return value;
  throw unreadable();
}

function bigintOf(value: CborValue | undefined): bigint | null {
  if (value === null || typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(value);
  throw unreadable();
}

function textOf(value: CborValue | undefined): string | null {
  if (value === null || typeof value === 'string') return value;
  throw unreadable();
}

function unreadable(): KudurruError {
  return new KudurruError('ledger-failed', 'writer facts not understood: they are not version 1');
}
