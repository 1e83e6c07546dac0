/**
 * The two keys of a ledger in its token: the Ed25519 log key and the AES-256 wrapping key, both
 * made in the token and never leaving it. CKA_ID is the ledgerId, so that a token tells whose keys
 * it has.
 *
 * Making them can be interrupted anywhere: a public key whose private half was never made is
 * removed and made anew. A private key is never removed.
 */
import pkcs11js from 'pkcs11js';

import type { Deadline } from '../deadline.ts';
import { DeviceError } from '../device-error.ts';
import type { Pkcs11Sessions } from './pkcs11-sessions.ts';

/** PKCS#11 v3.0 numbers that pkcs11js has no names for: Edwards curves. */
const mechanismEddsaKeyPair = 0x1055;
const keyTypeEcEdwards = 0x40;

/** RFC 8410: the object identifier of Ed25519, DER. */
const ed25519Oid = Buffer.from('06032b6570', 'hex');
/** The same as a PrintableString, which PKCS#11 v3.0 §2.3.5 allows too: "edwards25519". */
const ed25519Name = Buffer.from('130c656477617264733235353139', 'hex');

const logKeyLabel = 'kudurru log key';
const wrappingKeyLabel = 'kudurru wrapping key';

export interface TokenKeys {
  readonly ledgerId: Uint8Array;
  readonly logKey: pkcs11js.Handle;
  /** Ed25519, 32 bytes. */
  readonly logPublicKey: Uint8Array;
  readonly wrappingKey: pkcs11js.Handle;
}

interface Found {
  readonly logPrivate: pkcs11js.Handle | undefined;
  readonly logPublic: pkcs11js.Handle | undefined;
  readonly wrapping: pkcs11js.Handle | undefined;
}

/** The keys in the token. @throws DeviceError `device-mismatch`, `device-unfit` */
export function findTokenKeys(sessions: Pkcs11Sessions, deadline: Deadline): Promise<TokenKeys> {
  return sessions.use(deadline, async (session) => {
    const { module, token } = sessions;
    const { logPrivate, logPublic, wrapping } = findAll(module, session);
    if (logPrivate === undefined || logPublic === undefined || wrapping === undefined) {
      throw new DeviceError(
        'device-mismatch',
        `token '${token.label}' not usable: it lacks the ledger's keys; provision it first`,
      );
    }
    for (const key of [logPrivate, wrapping]) refuseExtractable(sessions, session, key);
    return {
      ledgerId: Uint8Array.from(idOf(module, session, logPrivate)),
      logKey: logPrivate,
      logPublicKey: publicKeyOf(module, session, logPublic),
      wrappingKey: wrapping,
    };
  });
}

/** Makes what is missing. @throws DeviceError `device-holds-another-ledger`, `device-mismatch` */
export function makeTokenKeys(
  sessions: Pkcs11Sessions,
  ledgerId: Uint8Array,
  deadline: Deadline,
): Promise<void> {
  return sessions.use(deadline, async (session) => {
    const { module, token } = sessions;
    const found = findAll(module, session);
    for (const key of [found.logPrivate, found.logPublic, found.wrapping]) {
      if (key === undefined) continue;
      if (Buffer.compare(idOf(module, session, key), ledgerId) === 0) continue;
      throw new DeviceError(
        'device-holds-another-ledger',
        `token '${token.label}' not usable: its keys are of ledger ` +
          `'${idOf(module, session, key).toString('hex')}'; use a token of its own`,
      );
    }
    if (found.logPrivate !== undefined && found.logPublic === undefined) {
      throw new DeviceError(
        'device-mismatch',
        `token '${token.label}' not usable: the log key's public half is missing`,
      );
    }
    if (found.logPrivate === undefined) {
      if (found.logPublic !== undefined) module.C_DestroyObject(session, found.logPublic);
      await makeLogKey(module, session, ledgerId);
    }
    if (found.wrapping === undefined) await makeWrappingKey(module, session, ledgerId);
  });
}

function findAll(module: pkcs11js.PKCS11, session: pkcs11js.Handle): Found {
  const one = (type: number, label: string): pkcs11js.Handle | undefined => {
    module.C_FindObjectsInit(session, [
      { type: pkcs11js.CKA_CLASS, value: type },
      { type: pkcs11js.CKA_LABEL, value: label },
    ]);
    try {
      const [first, second] = module.C_FindObjects(session, 2);
      if (second === undefined) return first;
      throw new DeviceError('device-mismatch', `the token has several keys named '${label}'`);
    } finally {
      module.C_FindObjectsFinal(session);
    }
  };
  return {
    logPrivate: one(pkcs11js.CKO_PRIVATE_KEY, logKeyLabel),
    logPublic: one(pkcs11js.CKO_PUBLIC_KEY, logKeyLabel),
    wrapping: one(pkcs11js.CKO_SECRET_KEY, wrappingKeyLabel),
  };
}

async function makeLogKey(
  module: pkcs11js.PKCS11,
  session: pkcs11js.Handle,
  ledgerId: Uint8Array,
): Promise<void> {
  const shared = [
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_LABEL, value: logKeyLabel },
    { type: pkcs11js.CKA_ID, value: Buffer.from(ledgerId) },
    { type: pkcs11js.CKA_KEY_TYPE, value: keyTypeEcEdwards },
  ];
  const forPublic = (parameters: Buffer): pkcs11js.Template => [
    ...shared,
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
    { type: pkcs11js.CKA_VERIFY, value: true },
    { type: pkcs11js.CKA_EC_PARAMS, value: parameters },
  ];
  const forPrivate = [
    ...shared,
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { type: pkcs11js.CKA_SIGN, value: true },
  ];
  const mechanism = { mechanism: mechanismEddsaKeyPair };
  try {
    await module.C_GenerateKeyPairAsync(session, mechanism, forPublic(ed25519Oid), forPrivate);
  } catch (error) {
    // A module that knows only the other spelling of the curve says so; nothing was made.
    const spelling = [pkcs11js.CKR_ATTRIBUTE_VALUE_INVALID, pkcs11js.CKR_DOMAIN_PARAMS_INVALID];
    const code = error instanceof pkcs11js.Pkcs11Error ? error.code : 0;
    if (!spelling.includes(code)) throw error;
    await module.C_GenerateKeyPairAsync(session, mechanism, forPublic(ed25519Name), forPrivate);
  }
}

async function makeWrappingKey(
  module: pkcs11js.PKCS11,
  session: pkcs11js.Handle,
  ledgerId: Uint8Array,
): Promise<void> {
  await module.C_GenerateKeyAsync(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
    { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { type: pkcs11js.CKA_ENCRYPT, value: true },
    { type: pkcs11js.CKA_DECRYPT, value: true },
    { type: pkcs11js.CKA_LABEL, value: wrappingKeyLabel },
    { type: pkcs11js.CKA_ID, value: Buffer.from(ledgerId) },
  ]);
}

function refuseExtractable(
  sessions: Pkcs11Sessions,
  session: pkcs11js.Handle,
  key: pkcs11js.Handle,
): void {
  const [sensitive, extractable] = sessions.module.C_GetAttributeValue(session, key, [
    { type: pkcs11js.CKA_SENSITIVE },
    { type: pkcs11js.CKA_EXTRACTABLE },
  ]);
  if (isTrue(sensitive) && !isTrue(extractable)) return;
  throw new DeviceError(
    'device-unfit',
    `token '${sessions.token.label}' not usable: one of its keys could leave it`,
  );
}

function isTrue(attribute: pkcs11js.Attribute | undefined): boolean {
  return Buffer.isBuffer(attribute?.value) && attribute.value[0] === 1;
}

function idOf(module: pkcs11js.PKCS11, session: pkcs11js.Handle, key: pkcs11js.Handle): Buffer {
  const [id] = module.C_GetAttributeValue(session, key, [{ type: pkcs11js.CKA_ID }]);
  return Buffer.isBuffer(id?.value) ? id.value : Buffer.alloc(0);
}

/** CKA_EC_POINT: the 32 bytes, as they are or in a DER OCTET STRING (modules differ). */
function publicKeyOf(
  module: pkcs11js.PKCS11,
  session: pkcs11js.Handle,
  key: pkcs11js.Handle,
): Uint8Array {
  const [point] = module.C_GetAttributeValue(session, key, [{ type: pkcs11js.CKA_EC_POINT }]);
  const value = Buffer.isBuffer(point?.value) ? point.value : Buffer.alloc(0);
  const wrapped = value.length === 34 && value[0] === 0x04 && value[1] === 0x20;
  const bytes = wrapped ? value.subarray(2) : value;
  if (bytes.length === 32) return Uint8Array.from(bytes);
  throw new DeviceError('device-unfit', "token not usable: the log key's point is not Ed25519");
}
