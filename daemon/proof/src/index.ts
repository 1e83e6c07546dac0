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
  COSE_SIGN1_TAG,
  decodeCbor,
  encodeCbor,
  isCborArray,
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
  qualifiedNameUnderEk,
  TPMA_NV,
  TPMA_OBJECT,
} from './tpm-public.ts';
export type { CreationData, NvPublic, NvType, ObjectPublic, SigningPublic } from './tpm-public.ts';

// Time (SPEC.md §7).
export { formatTai, LEAP_TABLE, taiMinusUtcSeconds, taiOfUtc, utcOfTai } from './tai.ts';
export type { LeapStep, LeapTable, UtcInstant } from './tai.ts';
