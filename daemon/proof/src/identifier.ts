/** Names and ids (SPEC.md §2). */
import { concatBytes, encodeUtf8 } from './bytes.ts';
import type { ShapeType } from './schema.ts';
import {
  constant,
  decodeWith,
  encodeWith,
  h32,
  index,
  list,
  Place,
  record,
  text,
} from './schema.ts';
import { sha256 } from './sha256.ts';

const APPLIANCE_DOMAIN = encodeUtf8('kudurru/appliance/1\0');
const AGENT_NAME = '[a-z0-9][a-z0-9._-]{0,63}';
const TRUST_DOMAIN = '[a-z0-9.-]{1,200}';
const AGENT_ID = new RegExp(`^spiffe://(${TRUST_DOMAIN})/agent/(${AGENT_NAME})$`);

/** Operators of one ledger. */
const OPERATORS_MAX = 64;

export const originText = text(1, 200, /^[a-z0-9./-]+$/);
export const trustDomainText = text(1, 200, /^[a-z0-9.-]+$/);
export const agentIdText = text(1, 300, AGENT_ID);

const shape = {
  version: constant(1),
  origin: originText,
  trustDomain: trustDomainText,
  operators: list(record({ name: text(1, 64), sshPublicKey: text(1, 1024) }), 0, OPERATORS_MAX),
  nonce: h32,
};
const provisioningRecord = record(shape);
const place = new Place('entry-invalid', 'provisioning record');

/** What a ledger is founded on; its hash is the ledgerId. */
export type ProvisioningRecord = ShapeType<typeof shape>;

/** @throws ProofError `entry-invalid`, `cbor-malformed` */
export function decodeProvisioningRecord(bytes: Uint8Array): ProvisioningRecord {
  return decodeWith(provisioningRecord, bytes, place);
}

/** @throws ProofError `entry-invalid` */
export function encodeProvisioningRecord(value: ProvisioningRecord): Uint8Array {
  return encodeWith(provisioningRecord, value, place);
}

/** ledgerId of a provisioning record's bytes. */
export function ledgerIdOf(provisioningRecordBytes: Uint8Array): Uint8Array {
  return sha256(provisioningRecordBytes);
}

/** applianceId of an appliance document's bytes. */
export function applianceIdOf(applianceDocumentBytes: Uint8Array): Uint8Array {
  return sha256(concatBytes(APPLIANCE_DOMAIN, applianceDocumentBytes));
}

/** `spiffe://<trust domain>/agent/<name>`. @throws ProofError `entry-invalid` for a bad name */
export function formatAgentId(trustDomain: string, name: string): string {
  const id = `spiffe://${trustDomain}/agent/${name}`;
  return agentIdText.fromCbor(id, new Place('entry-invalid', 'agent id'));
}

/** The parts of an agent id. @throws ProofError `entry-invalid` */
export function parseAgentId(id: string): { trustDomain: string; name: string } {
  agentIdText.fromCbor(id, new Place('entry-invalid', 'agent id'));
  const [, trustDomain = '', name = ''] = AGENT_ID.exec(id) ?? [];
  return { trustDomain, name };
}

/** A reference to an action: its session and its sequence there. */
export const reference = record({ session: h32, sequence: index });
export interface Reference {
  readonly session: Uint8Array;
  readonly sequence: bigint;
}
