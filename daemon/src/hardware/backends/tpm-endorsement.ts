/**
 * The endorsement key: which one this TPM has, its certificates, and the right to use it as a
 * parent. Its certificate is the root of everything a stranger can know about the TPM, so a
 * certificate for another key than the TPM's own is refused here already.
 */
import { X509Certificate } from 'node:crypto';

import {
  type CallOptions,
  type ObjectHandle,
  type Tpm,
  TpmError,
  constants,
  structures,
  templates,
  unlessTpmCode,
} from '@kudurru/tpm2-tss';

import type { Deadline } from '../deadline.ts';
import { DeviceError } from '../device-error.ts';

export interface EndorsementKey {
  readonly profile: string;
  readonly key: ObjectHandle;
  /** Made from its template and not kept in the TPM: flush it after use. */
  readonly transient: boolean;
  readonly publicArea: Uint8Array;
}

/** Certificates by profile; a TPM may have several keys, and may have no certificate at all. */
export async function chooseEndorsementProfile(
  tpm: Tpm,
  deadline: Deadline,
): Promise<{ readonly profile: string; readonly certificates: readonly Uint8Array[] }> {
  const profiles = templates.endorsementKeyProfiles;
  for (const profile of profiles) {
    const certificate = await readCertificate(tpm, profile.certificateIndex, deadline);
    if (certificate === undefined) continue;
    const chain = await readCertificateChain(tpm, deadline);
    return { profile: profile.name, certificates: [certificate, ...chain] };
  }
  for (const profile of profiles) {
    const timeoutMs = deadline.remainingMs();
    const key = await tpm.keys.find(profile.persistentHandle, { timeoutMs });
    if (key !== undefined) return { profile: profile.name, certificates: [] };
  }
  // Without certificate or persistent key: the kind every TPM of the PC Client profile can make.
  return { profile: 'ecc-p256', certificates: [] };
}

/** The persistent key of the profile, or the same key made again from its template. */
export async function openEndorsementKey(
  tpm: Tpm,
  name: string,
  deadline: Deadline,
): Promise<EndorsementKey> {
  const profile = templates.endorsementKeyProfiles.find((known) => known.name === name);
  if (profile === undefined) {
    throw new DeviceError('device-mismatch', `endorsement key profile '${name}' is unknown`);
  }
  const timeoutMs = deadline.remainingMs();
  const found = await tpm.keys.find(profile.persistentHandle, { timeoutMs });
  if (found !== undefined) {
    const { publicArea } = await tpm.keys.readPublic(found, { timeoutMs: deadline.remainingMs() });
    return { profile: name, key: found, transient: false, publicArea };
  }
  const made = await tpm.keys.createPrimary(
    constants.hierarchy.endorsement,
    { publicArea: profile.template },
    { timeoutMs: deadline.remainingMs() },
  );
  return { profile: name, key: made.key, transient: true, publicArea: made.publicArea };
}

/**
 * Runs one command that uses the endorsement key as a parent. Keys of the low-range templates
 * demand a policy session, which the TPM drops after its one use; a refused command leaves it
 * behind.
 */
export async function asParent<Value>(
  tpm: Tpm,
  endorsement: EndorsementKey,
  use: { readonly deadline: Deadline; readonly command: (options: CallOptions) => Promise<Value> },
): Promise<Value> {
  const { attributes } = structures.parsePublicArea(endorsement.publicArea);
  const byPassword = (attributes & constants.objectAttribute.userWithAuth) !== 0;
  if (byPassword) return use.command({ timeoutMs: use.deadline.remainingMs() });
  const session = await tpm.sessions.startEndorsement({
    timeoutMs: use.deadline.remainingMs(),
  });
  try {
    return await use.command({ timeoutMs: use.deadline.remainingMs(), sessions: [session] });
  } catch (error) {
    if (error instanceof TpmError && error.failure === 'refused') {
      // A reset has taken it away already.
      await unlessTpmCode(constants.responseCode.handle, tpm.sessions.flush(session));
    }
    throw error;
  }
}

/** @throws DeviceError `device-mismatch` where the first certificate names another key */
export function checkCertificate(
  certificates: readonly Uint8Array[],
  endorsement: EndorsementKey,
): void {
  const first = certificates[0];
  if (first === undefined) return;
  const certified = new X509Certificate(first).publicKey.export({ format: 'jwk' });
  const { key } = structures.parsePublicArea(endorsement.publicArea);
  const same =
    'modulus' in key
      ? certified.n === base64url(key.modulus)
      : certified.x === coordinate(key.curve, key.x) &&
        certified.y === coordinate(key.curve, key.y);
  if (same) return;
  throw new DeviceError(
    'device-mismatch',
    `endorsement key '${endorsement.profile}' not usable: its certificate is for another key`,
  );
}

function coordinate(curveId: number, bytes: Uint8Array): string {
  return base64url(structures.padLeft(bytes, structures.scalarLength(curveId)));
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

async function readCertificateChain(tpm: Tpm, deadline: Deadline): Promise<Uint8Array[]> {
  const { first, last } = templates.certificateChainIndexes;
  const indexes = await tpm.platform.handles(first, { timeoutMs: deadline.remainingMs() });
  const chain: Uint8Array[] = [];
  for (const index of indexes.filter((candidate) => candidate <= last)) {
    const certificate = await readCertificate(tpm, index, deadline);
    if (certificate !== undefined) chain.push(certificate);
  }
  return chain;
}

async function readCertificate(
  tpm: Tpm,
  nvIndex: number,
  deadline: Deadline,
): Promise<Uint8Array | undefined> {
  const index = await tpm.nv.find(nvIndex, { timeoutMs: deadline.remainingMs() });
  if (index === undefined) return undefined;
  return trimDer(await tpm.nv.read(index, { timeoutMs: deadline.remainingMs() }));
}

/** A vendor may reserve more NV space than the certificate fills: cut at the DER length. */
function trimDer(bytes: Uint8Array): Uint8Array {
  const [tag, form = 0, high = 0, low = 0] = bytes;
  if (tag !== 0x30 || form !== 0x82) return bytes;
  return bytes.slice(0, Math.min(bytes.length, 4 + high * 256 + low));
}
