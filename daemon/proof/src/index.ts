/**
 * @kudurru/proof: the formats of Kudurru (SPEC.md) and their verification, for Node and browsers.
 * No I/O, no clock, no randomness: values in, values out. Every parser throws `ProofError` only.
 */
export { ProofError } from './proof-error.ts';
export type { ProofErrorCode } from './proof-error.ts';

// Bytes, hashes, encoding (SPEC.md §1).
export {
  compareBytes,
  concatBytes,
  decodeBase64,
  decodeHex,
  decodeU64,
  decodeUtf8,
  encodeBase64,
  encodeHex,
  encodeU64,
  encodeUtf8,
  equalBytes,
} from './bytes.ts';
export { HASH_SIZE_BYTES, sha256, ZERO_HASH } from './sha256.ts';
export {
  CBOR_DEPTH_MAX,
  CBOR_ITEMS_MAX,
  COSE_SIGN1_TAG,
  decodeCbor,
  encodeCbor,
  isCborArray,
  isCborMap,
  isCborTagged,
} from './cbor.ts';
export type { CborArray, CborKey, CborMap, CborTagged, CborValue } from './cbor.ts';

// Keys and signatures (SPEC.md §2).
export { isEd25519PublicKey, verifyEd25519 } from './ed25519.ts';
export {
  derOfP1363,
  isP256Point,
  p1363OfDer,
  p256PointOfSpki,
  spkiOfP256Point,
  verifyEs256,
} from './es256.ts';
export { requirePublicKey, SIGNATURE_SIZE_BYTES, verifySignature } from './public-key.ts';
export type { KeyAlgorithm, PublicKey, SignatureCheck } from './public-key.ts';
export {
  decodeCoseKey,
  decodeSign1,
  encodeCoseKey,
  encodeSign1,
  keyThumbprint,
  sign1Message,
  verifySign1,
} from './cose.ts';
export type { Sign1, Sign1Content } from './cose.ts';

// Operators' keys, signatures and orders (SPEC.md §2.3).
export {
  encodeSshPublicKey,
  formatSshPublicKeyLine,
  isSecurityKey,
  parseSshPublicKey,
  parseSshPublicKeyLine,
  SSH_KEY_TYPES,
  sshFingerprint,
} from './ssh-key.ts';
export type { SshKeyType, SshPublicKey } from './ssh-key.ts';
export {
  armorSshsig,
  dearmorSshsig,
  encodeSshsig,
  parseSshsig,
  readSshsig,
  SSHSIG_NAMESPACE,
  SSHSIG_SIZE_BYTES_MAX,
  sshsigCheck,
  verifySshsig,
} from './sshsig.ts';
export type { SecurityKeyFlags, Sshsig, SshsigHash } from './sshsig.ts';
export {
  decodeOperatorOrder,
  encodeOperatorOrder,
  verifyAuthorisations,
} from './operator-order.ts';
export type {
  Authorisation,
  AuthorisationReport,
  AuthorisedOrder,
  Operator,
  OperatorOrder,
} from './operator-order.ts';
export { decodeRestoration, encodeRestoration } from './restoration.ts';
export type { Restoration } from './restoration.ts';

// Tree, tiles, checkpoints (SPEC.md §8).
export {
  emptyRoot,
  leafHash,
  nodeHash,
  PROOF_HASHES_MAX,
  rootOfLeafHashes,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';
export type { ConsistencyClaim, InclusionClaim } from './merkle.ts';
export {
  consistencyProof,
  foldRight,
  hashOfRange,
  inclusionProof,
  nodesOfRange,
  planConsistency,
  planInclusion,
  rootOfTree,
} from './merkle-proof.ts';
export type { HashReader, LeafRange, TreeNode } from './merkle-proof.ts';
export { MerkleTree } from './merkle-tree.ts';
export type { NodeListener } from './merkle-tree.ts';
export {
  formatNote,
  formatVerifierKey,
  NOTE_SIGNATURES_MAX,
  NOTE_SIZE_BYTES_MAX,
  parseNote,
  parseVerifierKey,
  verifierKeyId,
  verifyNote,
} from './note.ts';
export type { NoteSignature, NoteSignatureState, SignedNote, VerifierKey } from './note.ts';
export { formatCheckpoint, formatTreeHead, parseCheckpoint, parseTreeHead } from './checkpoint.ts';
export type { Checkpoint, TreeHead } from './checkpoint.ts';
export {
  CHECKPOINT_PATH,
  formatTilePath,
  parseTilePath,
  TILE_HEIGHT,
  TILE_WIDTH,
  tileWidth,
} from './tile-path.ts';
export type { TileName } from './tile-path.ts';
export {
  auditTiles,
  formatEntryBundle,
  parseEntryBundle,
  TILE_ENTRY_SIZE_BYTES_MAX,
  TileReader,
} from './tiles.ts';
export type { TileFetch } from './tiles.ts';
export { formatTlogProof, parseTlogProof } from './tlog-proof.ts';
export type { TlogProof } from './tlog-proof.ts';

// TPM evidence (SPEC.md §7.4, §9).
export { p1363OfTpmtSignature, parseAttest, verifyAttestation } from './tpm-attest.ts';
export type { Attest, Attested, AttestedType, PcrSelection, TpmClockInfo } from './tpm-attest.ts';
export {
  hasAttributes,
  parseCreationData,
  parseNvPublic,
  parseObjectPublic,
  parseSigningPublic,
  parseStoragePublic,
  qualifiedNameUnderEk,
  TPMA_NV,
  TPMA_OBJECT,
} from './tpm-public.ts';
export type {
  CreationData,
  NvPublic,
  NvType,
  ObjectPublic,
  SigningPublic,
  StoragePublic,
} from './tpm-public.ts';
export {
  CREDENTIAL_RANDOMNESS_SIZE_BYTES,
  CREDENTIAL_SECRET_SIZE_BYTES_MAX,
  makeCredential,
} from './tpm-credential.ts';
export type { CredentialRequest, TpmCredential } from './tpm-credential.ts';

export { CERTIFICATE_SIZE_BYTES_MAX, parseCertificate } from './certificate.ts';
export type { Certificate, CertifiedKey } from './certificate.ts';
export { manufacturerOf } from './certificate-extensions.ts';
export type { CertificateExtensions, TpmDescription } from './certificate-extensions.ts';
export { isOfKey, verifyEndorsement } from './endorsement.ts';
export type { EndorsementChain, EndorsementClaim } from './endorsement.ts';

// Time (SPEC.md §7).
export { formatTai, LEAP_TABLE, taiMinusUtcSeconds, taiOfUtc, utcOfTai } from './tai.ts';
export type { LeapSeconds, LeapStep, LeapTable, UtcInstant } from './tai.ts';
export * from './time/index.ts';

// Identifiers (SPEC.md §2).
export {
  applianceIdOf,
  decodeProvisioningRecord,
  encodeProvisioningRecord,
  formatAgentId,
  ledgerIdOf,
  parseAgentId,
} from './identifier.ts';
export type { ProvisioningRecord, Reference } from './identifier.ts';

// Commitments, envelopes, statements (SPEC.md §3 to §5).
export {
  BODY_SIZE_BYTES_MAX,
  LARGE_BODY_SIZE_BYTES_MAX,
  commitmentDigest,
  commitmentFieldNumber,
  ENVELOPE_COMMITMENTS_MAX,
  makeCommitment,
  verifyOpening,
} from './commitment.ts';
export type {
  Commitment,
  CommitmentField,
  EnvelopeCommitmentField,
  Opening,
  SystemCommitmentField,
} from './commitment.ts';
export {
  ACTION_KINDS,
  ACTION_TYPES,
  COVERAGES,
  decodeEnvelope,
  encodeEnvelope,
  ENVELOPE_SIZE_BYTES_MAX,
  envelopeFromJson,
  envelopeToJson,
  EXTERNAL_ID_SCHEMES,
  OBSERVERS,
  REVERSIBILITIES,
  SIDE_EFFECTS,
  STATUSES,
} from './envelope.ts';
export type { ActionKind, Coverage, Envelope } from './envelope.ts';
export {
  decodeEnrolment,
  decodeSessionRequest,
  decodeStatement,
  encodeEnrolmentRequest,
  encodeSessionRequest,
  encodeStatementPayload,
  ENROLMENT_TYPE,
  SESSION_TYPE,
  STATEMENT_ACTIONS_MAX,
  STATEMENT_TYPE,
  statementHash,
  statementRoot,
} from './statement.ts';
export type { EnrolmentRequest, SessionRequest, Signed, StatementPayload } from './statement.ts';

// Entries and anchors (SPEC.md §7, §9).
export { decodeEntry, encodeEntry, entryToJson, isAnchorEntry } from './entry.ts';
export type { AnchorEntry, Entry, EntryHead, EntryKind, EntryOf, EntryTime } from './entry.ts';
export {
  CLOSE_REASONS,
  ENTRY_SIZE_BYTES_MAX,
  TIME_LEVELS,
  VERDICTS,
  WRITER_LEVELS,
} from './entry-fields.ts';
export type { TimeLevel, WriterLevel } from './entry-fields.ts';
export {
  decodeApplianceDocument,
  encodeApplianceDocument,
  isEmulatorManufacturer,
  LABELS,
  weakestLabel,
} from './appliance.ts';
export type { ApplianceDocument, Label } from './appliance.ts';
export {
  decodeAnyTimeEvidence,
  decodeTimeEvidence,
  encodeTimeEvidence,
  rawTimeOf,
  taiRangeOf,
} from './time-evidence.ts';
export type { AnyTimeEvidence, TimeEvidence } from './time-evidence.ts';
export {
  anchorDigest,
  bootQualifier,
  counterQualifier,
  decodeAgentHead,
  encodeAgentHead,
  extendBase,
  extendData,
  extended,
  extendMark,
  extendQualifier,
  leftQualifier,
  pcrDigest,
  quoteQualifier,
  rightQualifier,
} from './anchor.ts';
export type { AgentHead, AnchorDigestInput } from './anchor.ts';

// Evidence bundles, receipts, trust policies (SPEC.md §10 to §12).
export {
  BUNDLE_ENTRIES_MAX,
  BUNDLE_SIZE_BYTES_MAX,
  decodeAnchoredReceipt,
  decodeBundle,
  encodeAnchoredReceipt,
  encodeBundle,
} from './bundle.ts';
export type { AnchoredReceipt, Bundle, Disclosure, LocatedEntry } from './bundle.ts';
export {
  DEFAULT_POLICY,
  formatTrustPolicy,
  parseTrustPolicy,
  trustPolicyFromJson,
} from './policy.ts';
export type { EndorsementTrust, ExpectedPcrs, TrustPolicy } from './policy.ts';
export type { Json, JsonObject } from './schema.ts';

// Verifying evidence (SPEC.md §11, §13).
export { BASE_REFERENCE, evidenceReferencesOf, referencesOf } from './bundle-needs.ts';
export type { EntryReference } from './bundle-needs.ts';
export { LogAudit } from './verify/audit.ts';
export { compareBoots } from './verify/replay.ts';
export type { ReplayCode, ReplayProblem, TpmBootCounts } from './verify/replay.ts';
export type { LogEntry } from './verify/audit.ts';
export { verify } from './verify/verify.ts';
export type { VerifyOptions } from './verify/verify.ts';
export { verifyPair } from './verify/pair.ts';
export type { PairOptions, PairSideSummary, PairVerdict } from './verify/pair.ts';
export type { BatchVerifier } from './verify/signatures.ts';
export { QUESTIONS } from './verify/finding.ts';
export { showable } from './verify/quote.ts';
export type { Outcome, Question } from './verify/finding.ts';
export type {
  Answer,
  AnswerState,
  CheckLine,
  Overall,
  SubjectSummary,
  Verdict,
} from './verify/verdict.ts';
export type { RemainingWindow } from './verify/window.ts';

// The attestation challenge (SPEC.md §14).
export {
  answerChallenge,
  CHALLENGE_FILE_SIZE_BYTES_MAX,
  checkChallengeAnswer,
  decodeAttestationChallenge,
  decodeChallengeAnswer,
  decodeKeptChallenge,
  encodeAttestationChallenge,
  encodeChallengeAnswer,
  encodeKeptChallenge,
  makeAttestationChallenge,
} from './attestation-challenge.ts';
export type {
  AnswerReport,
  AttestationChallenge,
  ChallengeAnswer,
  ChallengeOrder,
  KeptChallenge,
} from './attestation-challenge.ts';
