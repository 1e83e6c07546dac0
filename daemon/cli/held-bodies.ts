/**
 * Private bodies beside a bundle: those that it has no room for are named, those that were asked
 * for are written to files, each checked against the commitment in the bundle's entry.
 */
import { writeFileSync } from 'node:fs';

import {
  BODY_SIZE_BYTES_MAX,
  decodeBundle,
  decodeEntry,
  decodeEnvelope,
  encodeHex,
  parseTlogProof,
  verifyOpening,
  type Commitment,
} from '@kudurru/proof';

import type { Invocation } from './command.ts';
import type { ControlClient } from './control-client.ts';
import { EXIT, Failure, wrongUse } from './exit-code.ts';
import { size } from './quantities.ts';

export interface AskedBody {
  readonly field: string;
  readonly file: string;
}

export interface WrittenBody extends AskedBody {
  readonly sizeBytes: number;
  /** Hexadecimal; with it and the bytes anybody can compute the commitment's digest. */
  readonly salt: string;
}

interface Subject {
  readonly index: bigint;
  readonly commitments: readonly Commitment[];
}

const SALT_SIZE_BYTES = 32;

/** The values of --body FIELD=FILE. */
export function bodiesAsked(invocation: Invocation): readonly AskedBody[] {
  return invocation.texts('body').map((option) => {
    const at = option.indexOf('=');
    if (at <= 0) throw wrongUse(`--body is FIELD=FILE, found "${option}"`);
    return { field: option.slice(0, at), file: option.slice(at + 1) };
  });
}

/** Of the bundle's subject. Nothing is written that does not open its commitment. */
export async function writeBodies(
  bundle: Uint8Array,
  asked: readonly AskedBody[],
  client: ControlClient,
): Promise<readonly WrittenBody[]> {
  if (asked.length === 0) return [];
  const { index, commitments } = subjectOf(bundle);
  const written: WrittenBody[] = [];
  for (const { field, file } of asked) {
    const path = `/v1/entries/${index}/bodies/${encodeURIComponent(field)}`;
    const answer = await client.getBytes(path);
    const salt = answer.subarray(0, SALT_SIZE_BYTES);
    const bytes = answer.subarray(SALT_SIZE_BYTES);
    const commitment = commitments.find((one) => one.field === field);
    if (
      commitment === undefined ||
      !verifyOpening(commitment, { field: commitment.field, salt, bytes })
    ) {
      throw new Failure(
        EXIT.foundBad,
        `body "${field}" not written: the daemon's bytes do not open the commitment ` +
          `of entry ${index}`,
        { code: 'commitment-mismatch' },
      );
    }
    writeFile(file, bytes);
    written.push({ field, file, sizeBytes: bytes.length, salt: encodeHex(salt) });
  }
  return written;
}

export function sayBodies(invocation: Invocation, bodies: readonly WrittenBody[]): void {
  for (const { field, file, sizeBytes, salt } of bodies) {
    invocation.terminal.say(
      `${field}: ${size(sizeBytes)} written to "${file}"; opens its commitment with salt ${salt}`,
    );
  }
}

/** Bodies of the subject that the ledger holds and the bundle has no room for. */
export function sayLeftOut(
  { terminal }: Invocation,
  bundle: Uint8Array,
  bodies: readonly WrittenBody[],
): void {
  for (const { field, length, deposited } of subjectOf(bundle).commitments) {
    if (!deposited || length <= BODY_SIZE_BYTES_MAX) continue;
    if (bodies.some((body) => body.field === field)) continue;
    terminal.say(
      `${field}: body of ${size(length)} held, not included; --body ${field}=FILE writes it`,
    );
  }
}

function subjectOf(bytes: Uint8Array): Subject {
  const bundle = decodeBundle(bytes);
  const { index } = parseTlogProof(bundle.proof);
  const entry = decodeEntry(bundle.entry);
  if (entry.kind === 'action') {
    return { index, commitments: decodeEnvelope(entry.envelope).commitments };
  }
  return { index, commitments: 'commitments' in entry ? entry.commitments : [] };
}

function writeFile(file: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Failure(EXIT.wrongUse, `"${file}" not written: ${reason}`, { cause });
  }
}
