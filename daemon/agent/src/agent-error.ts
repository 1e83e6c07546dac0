/**
 * What this library throws. `code` is for programs and `retry` says what trying again is worth; the
 * message is for people. When the ledger itself refused, `code` and `retry` are the ledger's own.
 */

/**
 * `never`: the same input fails again. `later`: it may succeed. `restart`: once the ledger
 * restarted.
 */
export type Retry = 'never' | 'later' | 'restart';

/** The codes that come from this library, and not from the ledger. */
export const AGENT_ERROR_CODES = {
  'agent-closed': { retry: 'never', meaning: 'the agent was closed by its own program' },
  'key-invalid': { retry: 'never', meaning: 'not an Ed25519 or P-256 private key' },
  'ledger-changed': {
    retry: 'never',
    meaning: 'another ledger answers on the socket than the one this agent was connected to',
  },
  'ledger-inconsistent': {
    retry: 'never',
    meaning: 'the ledger contradicts what it said or signed before: keep the receipts, ask why',
  },
  'ledger-unreachable': {
    retry: 'later',
    meaning: 'no ledger answers on the socket; what was sent and not answered may stand in it',
  },
  'protocol-violation': { retry: 'never', meaning: 'the ledger sent what its protocol rules out' },
  'receipt-not-kept': { retry: 'later', meaning: 'the receipt file cannot be read or written' },
  'session-lost': {
    retry: 'never',
    meaning: 'the session ended before the answer: whether the actions stand shows in the ledger',
  },
  'submission-invalid': {
    retry: 'never',
    meaning: 'the actions break the schema or a limit of the ledger; nothing was sent',
  },
} as const satisfies Record<string, { readonly retry: Retry; readonly meaning: string }>;

export type AgentErrorCode = keyof typeof AGENT_ERROR_CODES;

export class AgentError extends Error {
  override readonly name = 'AgentError';
  /** One of `AGENT_ERROR_CODES`, or a code of the ledger's own list. */
  readonly code: string;
  readonly retry: Retry;
  /** Who said so. */
  readonly source: 'agent' | 'ledger';

  private constructor(
    facts: { code: string; retry: Retry; source: 'agent' | 'ledger' },
    text: Text,
  ) {
    super(text.message, text.cause === undefined ? undefined : { cause: text.cause });
    this.code = facts.code;
    this.retry = facts.retry;
    this.source = facts.source;
  }

  /** An error of this library. */
  static own(code: AgentErrorCode, message: string, cause?: unknown): AgentError {
    const { retry } = AGENT_ERROR_CODES[code];
    return new AgentError({ code, retry, source: 'agent' }, { message, cause });
  }

  /** A refusal, as the ledger worded it. */
  static ofLedger(refusal: { code: string; message: string; retry: Retry }): AgentError {
    return new AgentError({ ...refusal, source: 'ledger' }, { message: refusal.message });
  }
}

interface Text {
  readonly message: string;
  readonly cause?: unknown;
}
