/** The checkpoint under which every entry of the bundle stands, and who signed it. */
import type { Checkpoint } from '../checkpoint.ts';
import { encodeUtf8, equalBytes } from '../bytes.ts';
import { p1363OfDer } from '../es256.ts';
import type { NoteSignature, VerifierKey } from '../note.ts';
import { parseVerifierKey, verifierKeyId } from '../note.ts';
import { ProofError } from '../proof-error.ts';
import type { Evidence } from './evidence.ts';
import { mustHold, skipped, unverifiable } from './finding.ts';
import { quote } from './quote.ts';

export function checkCheckpointOrigin({ genesis, proof }: Evidence): string {
  const { origin } = genesis.provisioning;
  const found = proof.checkpoint.origin;
  mustHold(found === origin, `the checkpoint is of '${found}', the ledger of '${origin}'`);
  return `the checkpoint is of '${origin}'`;
}

export async function checkLogSignature(evidence: Evidence): Promise<string> {
  const { checkpoint } = evidence.proof;
  await requireLine(evidence, checkpoint, parseVerifierKey(evidence.policy.logKey));
  return `the log key signed the tree of ${checkpoint.size} entries`;
}

export async function checkTpmLine(evidence: Evidence): Promise<string> {
  const { checkpoint } = evidence.proof;
  const key = checkpointVerifierKey(evidence);
  if (linesOf(checkpoint, key).length === 0) throw skipped('the TPM did not sign this checkpoint');
  await requireLine(evidence, checkpoint, key);
  return "the appliance's TPM signed the checkpoint too";
}

export function checkCosigners(evidence: Evidence): string {
  const { policy, proof } = evidence;
  const known = [parseVerifierKey(policy.logKey), checkpointVerifierKey(evidence)];
  const isKnown = (line: NoteSignature): boolean => known.some((key) => isLineOf(line, key));
  const unknown = proof.checkpoint.note.signatures.filter((line) => !isKnown(line));
  if (unknown.length === 0) throw skipped('no other party cosigned the checkpoint');
  const text = `not checked: lines of ${unknown.map(({ name }) => quote(name)).join(', ')}`;
  if (policy.unknownCosigners === 'refuse') {
    throw unverifiable(`${text}; the policy refuses unknown cosigners`);
  }
  return `${text}; the policy ignores unknown cosigners`;
}

/** The key of the TPM line, as genesis describes it (SPEC.md §8). */
export function checkpointVerifierKey({ genesis }: Evidence): VerifierKey {
  const { appliance } = genesis.item.entry;
  return {
    name: `${genesis.provisioning.origin}/appliance/${appliance}`,
    key: { algorithm: 'ESP256', bytes: genesis.checkpointKey.point },
  };
}

/**
 * Throws unless `checkpoint` has one line of `key` and it is valid. We make no second one, and who
 * adds copies only makes the reader work.
 */
export async function requireLine(
  evidence: Evidence,
  checkpoint: Checkpoint,
  verifier: VerifierKey,
): Promise<void> {
  const { name, key } = verifier;
  const lines = linesOf(checkpoint, verifier);
  const [line] = lines;
  if (line === undefined) throw unverifiable(`no signature line of '${name}'`);
  mustHold(lines.length === 1, `${lines.length} signature lines of '${name}'`);
  const message = encodeUtf8(checkpoint.note.text);
  const signature = key.algorithm === 'Ed25519' ? line.signature : plainSignature(line.signature);
  const isSigned =
    signature !== null && (await evidence.signatures.check({ key, message, signature }));
  mustHold(isSigned, `the signature line of '${name}' does not verify`);
}

function linesOf(checkpoint: Checkpoint, key: VerifierKey): NoteSignature[] {
  return checkpoint.note.signatures.filter((line) => isLineOf(line, key));
}

function isLineOf(line: NoteSignature, key: VerifierKey): boolean {
  return line.name === key.name && equalBytes(line.keyId, verifierKeyId(key));
}

function plainSignature(der: Uint8Array): Uint8Array | null {
  try {
    return p1363OfDer(der);
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}
