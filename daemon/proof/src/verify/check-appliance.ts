/**
 * The appliance document: what its TPM keys and indexes are allowed to do. Only these make an
 * attestation mean what the anchors take it to mean.
 */
import { equalBytes } from '../bytes.ts';
import { HASH_SIZE_BYTES, sha256 } from '../sha256.ts';
import {
  hasAttributes,
  parseCreationData,
  qualifiedNameUnderEk,
  TPMA_NV,
  TPMA_OBJECT,
} from '../tpm-public.ts';
import type { Evidence } from './evidence.ts';
import { mustHold } from './finding.ts';

const MADE_AND_KEPT = ['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'sign'] as const;
const ENDORSES = [
  'fixedTpm',
  'fixedParent',
  'sensitiveDataOrigin',
  'restricted',
  'decrypt',
] as const;
/** Attributes under which a TPM may lose what an index held at the next reset. */
const FORGETS = TPMA_NV.orderly | TPMA_NV.clearStClear;
const COUNTER_SIZE_BYTES = 8;
/** PCRs 16 to 23 can be reset by software or by a late launch (PC Client profile). */
const RESETTABLE_PCR_FIRST = 16;

/** The AK signs only what the TPM itself made, under an EK that only protects and decrypts. */
export function checkAttestationKey({ genesis }: Evidence): string {
  const { ek } = genesis;
  mustHold(
    hasAttributes(ek.attributes, ENDORSES) && (ek.attributes & TPMA_OBJECT.sign) === 0,
    'the EK is not a storage key that was made in, and stays in, its TPM',
  );
  const { attributes, isSchemeFixed } = genesis.ak;
  mustHold(
    hasAttributes(attributes, MADE_AND_KEPT),
    'the AK was not made in, or may leave, its TPM',
  );
  mustHold(
    hasAttributes(attributes, ['restricted']),
    'the AK is not restricted: it signs anything',
  );
  mustHold((attributes & TPMA_OBJECT.decrypt) === 0, 'the AK decrypts too');
  mustHold(isSchemeFixed, 'the AK is not fixed to ECDSA with SHA-256');
  return 'the AK is restricted and, by its attributes, stays in its TPM';
}

/** The checkpoint key was made in the same TPM, for this ledger. */
export async function checkCheckpointKey({ genesis, signatures }: Evidence): Promise<string> {
  const { checkpointKey, checkpointKeyAttest, document, ledgerId, ak, ek } = genesis;
  mustHold(
    hasAttributes(checkpointKey.attributes, MADE_AND_KEPT),
    'the checkpoint key was not made in, or may leave, its TPM',
  );
  mustHold(
    (checkpointKey.attributes & TPMA_OBJECT.restricted) === 0,
    'the checkpoint key is restricted: it could sign attestations',
  );
  const { creationData, attest, signature } = document.checkpointKeyCreation;
  const { attested, extraData, qualifiedSigner } = checkpointKeyAttest;
  mustHold(attested.type === 'creation', 'the creation of the checkpoint key is not certified');
  mustHold(
    equalBytes(attested.objectName, checkpointKey.name),
    'the certified creation is that of another key',
  );
  mustHold(
    equalBytes(attested.creationHash, sha256(creationData)),
    'the creation data is not what was certified',
  );
  mustHold(
    equalBytes(parseCreationData(creationData).outsideInfo, ledgerId) &&
      equalBytes(extraData, ledgerId),
    'the checkpoint key was made for another ledger',
  );
  mustHold(
    equalBytes(qualifiedSigner, qualifiedNameUnderEk(ek, ak)),
    'the creation was certified by another key than the AK under this EK',
  );
  const key = { algorithm: 'ESP256', bytes: ak.point } as const;
  const isSigned = await signatures.check({ key, message: attest, signature });
  mustHold(isSigned, 'the certificate of creation is not signed by the AK');
  return 'the checkpoint key was made in the same TPM for this ledger';
}

/** The counter counts and the extend index extends, by what their Names say. */
export function checkIndexes({ genesis }: Evidence): string {
  const { counter, extend } = genesis;
  const isWritten = (counter.attributes & TPMA_NV.written) !== 0;
  mustHold(
    counter.nvType === 'counter' && counter.dataSizeBytes === COUNTER_SIZE_BYTES && isWritten,
    'the counter index is not a written TPM counter',
  );
  mustHold(
    [counter, extend].every((index) => ((index?.attributes ?? 0) & FORGETS) === 0),
    'an index is kept in memory, or cleared, and may lose what it held',
  );
  const doesExtend = extend?.nvType === 'extend' && extend.dataSizeBytes === HASH_SIZE_BYTES;
  mustHold(extend === null || doesExtend, 'the extend index does not extend');
  const { pcrIndex } = genesis.document;
  mustHold(
    pcrIndex === null || pcrIndex < RESETTABLE_PCR_FIRST,
    `PCR ${pcrIndex} can be reset while the TPM runs`,
  );
  return 'the counter can only count up, as the TPM understands its attributes';
}
