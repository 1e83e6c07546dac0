/**
 * The appliance identity document: what a verifier keeps of a ledger and its box, and compares with
 * every bundle. Its `trustPolicy` is a whole policy (SPEC.md §12); the rest names what is behind
 * the hash in it. It says nothing that the genesis entry does not say: it is the genesis entry, to
 * be handed over on a way that the reader trusts.
 */
import {
  decodeProvisioningRecord,
  DEFAULT_POLICY,
  encodeApplianceDocument,
  encodeBase64,
  encodeHex,
  formatTrustPolicy,
  formatVerifierKey,
  parseNvPublic,
  parseObjectPublic,
  parseSshPublicKeyLine,
  sha256,
  sshFingerprint,
  type ApplianceDocument,
  type Json,
  type JsonObject,
} from '@kudurru/proof';

import type { PcrValue } from '../hardware/boot-approval.ts';
import type { FoundedLedger } from './founding.ts';

const form = 'kudurru appliance identity';

export interface OperatorView {
  readonly name: string;
  readonly id: string;
  readonly keyType: string;
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
  readonly sshPublicKey: string;
}

/**
 * With the PCRs of the expected boot: the one that was approved last, else the ledger's first; null
 * before that is known.
 */
export function identityDocument(
  founded: FoundedLedger,
  firstBoot: readonly PcrValue[] | null = null,
): JsonObject {
  const { document, provisioningRecord, applianceId, applianceKey } = founded;
  const { trustDomain } = decodeProvisioningRecord(provisioningRecord);
  const { token, tokenLabel } = document;
  return {
    version: 1,
    form,
    trustPolicy: trustPolicyOf(founded),
    trustDomain,
    provisioningRecord: encodeBase64(provisioningRecord),
    operators: operatorViews(provisioningRecord).map((view) => ({ ...view })),
    appliance: {
      number: 0,
      id: encodeHex(applianceId),
      document: encodeBase64(encodeApplianceDocument(document)),
      label: document.label,
      manufacturer: document.manufacturer,
      firmwareVersion: encodeHex(document.firmwareVersion),
      endorsementKey: endorsementOf(document),
      attestationKeyName: encodeHex(parseObjectPublic(document.akPublic).name),
      checkpointKey: formatVerifierKey(applianceKey),
      counter: { ...indexOf(document.counterPublic), base: document.counterBase },
      extendIndex: document.extendPublic === null ? null : indexOf(document.extendPublic),
      anchorPcr: document.pcrIndex,
      expectedPcrs: expectedPcrsOf(founded, firstBoot),
      token: { label: tokenLabel, ...token },
    },
  };
}

function expectedPcrsOf({ pin }: FoundedLedger, firstBoot: readonly PcrValue[] | null): Json {
  const approved = pin.kind === 'sealed' ? pin.approvals[0]?.values : undefined;
  const values = approved ?? firstBoot;
  return values?.map(({ pcr, value }) => ({ pcr, value: encodeHex(value) })) ?? null;
}

/** Those of a provisioning record. */
export function operatorViews(provisioningRecord: Uint8Array): readonly OperatorView[] {
  const { operators, trustDomain } = decodeProvisioningRecord(provisioningRecord);
  return operators.map(({ name, sshPublicKey }) => {
    const key = parseSshPublicKeyLine(sshPublicKey);
    return {
      name,
      id: `spiffe://${trustDomain}/operator/${name}`,
      keyType: key.type,
      fingerprint: sshFingerprint(key),
      sshPublicKey,
    };
  });
}

/** Trust must reach the reader another way; this says only what to compare. */
export function trustPolicyOf(founded: FoundedLedger): Json {
  const { ledgerId, origin, logKeyText, applianceId, document } = founded;
  return JSON.parse(
    formatTrustPolicy({
      ...DEFAULT_POLICY,
      name: origin,
      ledgerId,
      origin,
      logKey: logKeyText,
      appliances: [{ number: 0, id: applianceId, label: document.label }],
    }),
  ) as Json;
}

function endorsementOf({ ekPublic, ekCertificates }: ApplianceDocument): JsonObject {
  const [own] = ekCertificates;
  return {
    name: encodeHex(parseObjectPublic(ekPublic).name),
    publicSha256: encodeHex(sha256(ekPublic)),
    certificateSha256: own === undefined ? null : encodeHex(sha256(own)),
    certificates: ekCertificates.map(encodeBase64),
  };
}

/** A value of the index is attested under this name; it changes with any of its attributes. */
function indexOf(publicArea: Uint8Array): JsonObject {
  const { handle, name } = parseNvPublic(publicArea);
  return { index: `0x${handle.toString(16).padStart(8, '0')}`, name: encodeHex(name) };
}
