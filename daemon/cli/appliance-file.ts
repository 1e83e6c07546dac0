/** The appliance document (SPEC.md §7.4) in what a reader holds: an identity document, a bundle. */
import {
  applianceIdOf,
  decodeApplianceDocument,
  decodeBase64,
  decodeBundle,
  decodeEntry,
  decodeUtf8,
  encodeHex,
  ProofError,
} from '@kudurru/proof';

import { EXIT, Failure } from './exit-code.ts';
import { readNamedFile } from './files.ts';

const openingBrace = 0x7b;

/** The document's bytes, which its identifier is the hash of. */
export function readApplianceDocument(file: string): Uint8Array {
  const bytes = readNamedFile(file, 'identity document or bundle');
  try {
    const document = isJson(bytes) ? fromIdentity(bytes) : fromBundle(bytes);
    decodeApplianceDocument(document);
    return document;
  } catch (cause) {
    if (!(cause instanceof ProofError) && !(cause instanceof SyntaxError)) throw cause;
    throw unfit(file, cause.message, cause);
  }
}

function isJson(bytes: Uint8Array): boolean {
  return decodeFirst(bytes) === openingBrace;
}

/** The first byte that is no white space. */
function decodeFirst(bytes: Uint8Array): number | undefined {
  return bytes.find((byte) => ![0x20, 0x09, 0x0a, 0x0d].includes(byte));
}

function fromIdentity(bytes: Uint8Array): Uint8Array {
  const { appliance } = JSON.parse(decodeUtf8(bytes)) as {
    readonly appliance?: { readonly id?: unknown; readonly document?: unknown };
  };
  if (typeof appliance?.document !== 'string' || typeof appliance.id !== 'string') {
    throw new SyntaxError('it has no appliance document; export it again');
  }
  const document = decodeBase64(appliance.document);
  if (encodeHex(applianceIdOf(document)) === appliance.id) return document;
  throw new SyntaxError('its appliance document is another than its identifier says');
}

function fromBundle(bytes: Uint8Array): Uint8Array {
  const { entry, others } = decodeBundle(bytes);
  for (const encoded of [entry, ...others.map((other) => other.entry)]) {
    const decoded = decodeEntry(encoded);
    if (decoded.kind === 'genesis') return decoded.applianceDocument;
  }
  throw new SyntaxError('the bundle has no genesis entry');
}

function unfit(file: string, reason: string, cause: unknown): Failure {
  return new Failure(EXIT.wrongUse, `"${file}" names no appliance: ${reason}`, {
    code: 'file-unfit',
    cause,
  });
}
