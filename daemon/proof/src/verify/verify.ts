/**
 * Verification of an evidence bundle: decode, run every check, give the verdict. No exception
 * leaves it: what cannot be read is INVALID with a line that says why.
 */
import { decodeBundle } from '../bundle.ts';
import type { TrustPolicy } from '../policy.ts';
import { ProofError } from '../proof-error.ts';
import { parseTlogProof } from '../tlog-proof.ts';
import type { Check } from './checks.ts';
import { CHECKS, FORM_CHECKS } from './checks.ts';
import { Evidence } from './evidence.ts';
import { failed, Finding } from './finding.ts';
import { showable } from './quote.ts';
import type { BatchVerifier } from './signatures.ts';
import { SignatureQueue, verifyInTurn } from './signatures.ts';
import type { CheckLine, Verdict } from './verdict.ts';
import { makeVerdict } from './verdict.ts';

export interface VerifyOptions {
  /**
   * Verifies the signatures instead of this package; it must apply the same rule (SPEC.md §2.1).
   */
  readonly verifyBatch?: BatchVerifier;
}

/** What tests may ask for: to leave out checks, so as to prove that each is needed. */
export interface RunOptions extends VerifyOptions {
  readonly disabled?: ReadonlySet<string>;
}

const [BUNDLE_FORM, ENTRY_FORM] = FORM_CHECKS;

/**
 * The verdict on the evidence bundle `bytes` under `policy`. It never rejects; the same input gives
 * the same verdict everywhere.
 */
export function verify(
  bytes: Uint8Array,
  policy: TrustPolicy,
  options: VerifyOptions = {},
): Promise<Verdict> {
  return runVerification(bytes, policy, options);
}

/** As `verify`, with checks left out. Not for users: a verdict without a check proves less. */
export async function runVerification(
  bytes: Uint8Array,
  policy: TrustPolicy,
  options: RunOptions,
): Promise<Verdict> {
  return (await examine(bytes, policy, options)).verdict;
}

/** A verdict and what it is about; undefined where that could not be read. */
export interface Examination {
  readonly verdict: Verdict;
  readonly evidence: Evidence | undefined;
}

/** The verdict, with the decoded bundle for who compares it with another. */
export async function examine(
  bytes: Uint8Array,
  policy: TrustPolicy,
  { verifyBatch = verifyInTurn, disabled = new Set() }: RunOptions,
): Promise<Examination> {
  const signatures = new SignatureQueue(verifyBatch);
  const lines: CheckLine[] = [];
  let evidence: Evidence | undefined;
  try {
    // A copy: the caller may change its buffer meanwhile.
    const bundle = decodeBundle(bytes.slice());
    const proof = parseTlogProof(bundle.proof);
    lines.push(
      line(BUNDLE_FORM, 'pass', `${bytes.length} bytes, ${bundle.others.length + 1} entries`),
    );
    evidence = new Evidence({ bundle, proof, policy, signatures });
    lines.push(line(ENTRY_FORM, 'pass', 'every entry and all that it embeds is well-formed'));
  } catch (error) {
    const id = lines.length === 0 ? BUNDLE_FORM : ENTRY_FORM;
    lines.push(lineOfError(id, asFinding(error)));
  }
  if (evidence !== undefined) {
    const wanted = CHECKS.filter(({ id }) => !disabled.has(id));
    lines.push(...(await runAll(wanted, evidence)));
  }
  const shown = lines.filter(({ id }) => !disabled.has(id));
  return { verdict: makeVerdict(policy.name, shown, evidence), evidence };
}

function runAll(checks: readonly Check[], evidence: Evidence): Promise<CheckLine[]> {
  // All are started before any is awaited, so that their signatures go to the verifier together.
  return Promise.all(
    checks.map(async ({ id, run }) => {
      try {
        return line(id, 'pass', await run(evidence));
      } catch (error) {
        return lineOfError(id, asFinding(error));
      }
    }),
  );
}

function asFinding(error: unknown): unknown {
  return error instanceof ProofError ? failed(error.message, error) : error;
}

function lineOfError(id: string, error: unknown): CheckLine {
  if (error instanceof Finding) return line(id, error.outcome, error.message);
  // Not a finding but a fault of the verifier or of an injected one; still never a pass.
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return line(id, 'fail', `the verifier failed: ${reason}`);
}

function line(id: string, outcome: CheckLine['outcome'], text: string): CheckLine {
  const question = id.slice(0, id.indexOf('.')) as CheckLine['question'];
  return { id, question, outcome, text: showable(text) };
}
