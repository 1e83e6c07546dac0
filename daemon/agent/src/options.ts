/** What a program may say when it connects and when it submits. */
import type { SigningKey } from './key.ts';
import type { Receipt } from './receipt.ts';

export interface ConnectOptions {
  readonly socketPath: string;
  /** `spiffe://<trust domain>/agent/<name>`, as enrolled. */
  readonly agentId: string;
  readonly key: SigningKey;
  /** Name and version of the program, 1-128 bytes; the session's entry holds it. */
  readonly client?: string;
  /** The log's verifier key; with it the signature of every checkpoint is checked. */
  readonly logKey?: string;
  /** Where the newest anchored receipt is kept; read when it exists. */
  readonly receiptFile?: string;
  /** How long the ledger may owe an answer before the connection counts as broken. */
  readonly answerTimeoutMs?: number;
  /** How long a lost ledger is sought before the waiting submissions fail. */
  readonly reconnectTimeoutMs?: number;
}

export interface SubmitOptions {
  /** `anchored` waits for a TPM-attested anchor as well. Default `committed`. */
  readonly level?: 'committed' | 'anchored';
  /** With level `anchored`: told the receipt as soon as the actions are durable. */
  readonly onCommitted?: (receipt: Receipt) => void;
}

export const DEFAULTS = {
  client: '@kudurru/agent',
  /** Many times the slowest disk's flush, and less than a person waits. */
  answerTimeoutMs: 30_000,
  /** A restart of the ledger takes a few seconds, its recovery included. */
  reconnectTimeoutMs: 15_000,
} as const;
