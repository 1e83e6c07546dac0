import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { concatBytes, decodeBase64, encodeHex, encodeUtf8 } from '../src/bytes.ts';
import {
  formatCheckpoint,
  formatTreeHead,
  parseCheckpoint,
  parseTreeHead,
} from '../src/checkpoint.ts';
import { p256PointOfSpki, spkiOfP256Point } from '../src/es256.ts';
import type { VerifierKey } from '../src/note.ts';
import {
  formatNote,
  formatVerifierKey,
  NOTE_SIGNATURES_MAX,
  parseNote,
  parseVerifierKey,
  verifierKeyId,
  verifyNote,
} from '../src/note.ts';
import { ProofError } from '../src/proof-error.ts';
import { sha256 } from '../src/sha256.ts';

const malformed = { name: 'ProofError', code: 'note-malformed' };
const text = 'example.com/log\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n';
const ed25519 = generateKeyPairSync('ed25519');
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = (key: typeof p256.publicKey): Uint8Array =>
  new Uint8Array(key.export({ format: 'der', type: 'spki' }));
const logKey: VerifierKey = {
  name: 'example.com/log',
  key: { algorithm: 'Ed25519', bytes: spki(ed25519.publicKey).subarray(-32) },
};
const tpmKey: VerifierKey = {
  name: 'example.com/log/appliance/0',
  key: { algorithm: 'ESP256', bytes: p256PointOfSpki(spki(p256.publicKey)) },
};
const logLine = {
  name: logKey.name,
  keyId: verifierKeyId(logKey),
  signature: new Uint8Array(sign(null, encodeUtf8(text), ed25519.privateKey)),
};
const tpmLine = {
  name: tpmKey.name,
  keyId: verifierKeyId(tpmKey),
  signature: new Uint8Array(sign('sha256', encodeUtf8(text), p256.privateKey)),
};

describe('note', () => {
  it('parses to its parts and formats back to the same bytes', () => {
    const bytes = formatNote({ text, signatures: [logLine, tpmLine] });
    const note = parseNote(bytes);
    assert.deepEqual(note, { text, signatures: [logLine, tpmLine] });
    assert.deepEqual(formatNote(note), bytes);
    assert.equal(verifyNote(note, logKey), 'valid');
    assert.equal(verifyNote(note, tpmKey), 'valid');
  });

  it('tells a bad line from a missing one, and an unknown key from a known one', () => {
    const other = generateKeyPairSync('ed25519').publicKey;
    const stranger: VerifierKey = {
      name: logKey.name,
      key: { algorithm: 'Ed25519', bytes: spki(other).subarray(-32) },
    };
    const note = { text, signatures: [logLine] };
    assert.equal(verifyNote(note, stranger), 'absent');
    assert.equal(verifyNote(note, { ...logKey, name: 'example.com/other' }), 'absent');
    const changed = { text: text.replace('\n1\n', '\n2\n'), signatures: [logLine, tpmLine] };
    assert.equal(verifyNote(changed, logKey), 'invalid');
    assert.equal(verifyNote(changed, tpmKey), 'invalid');
    const twice = { text, signatures: [logLine, { ...logLine, signature: new Uint8Array(64) }] };
    assert.equal(verifyNote(twice, logKey), 'invalid');
    const badDer = { text, signatures: [{ ...tpmLine, signature: Uint8Array.of(1) }] };
    assert.equal(verifyNote(badDer, tpmKey), 'invalid');
  });

  it('key ids and verifier keys are those of C2SP', () => {
    const { bytes } = logKey.key;
    const preimage = concatBytes(encodeUtf8(`${logKey.name}\n\x01`), bytes);
    assert.deepEqual(verifierKeyId(logKey), sha256(preimage).subarray(0, 4));
    const ecdsaId = sha256(spkiOfP256Point(tpmKey.key.bytes)).subarray(0, 4);
    assert.deepEqual(verifierKeyId(tpmKey), ecdsaId);
    for (const key of [logKey, tpmKey]) {
      assert.deepEqual(parseVerifierKey(formatVerifierKey(key)), key);
    }
    // The example of the Go checksum database, sum.golang.org.
    const go = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';
    assert.equal(encodeHex(verifierKeyId(parseVerifierKey(go))), '033de0ae');
    assert.equal(formatVerifierKey(parseVerifierKey(go)), go);
  });

  it('refuses malformed verifier keys', () => {
    const [name = '', id = '', key = ''] = formatVerifierKey(logKey).split('+', 3);
    for (const bad of [
      '',
      name,
      `${name}+${id}`,
      `+${id}+${key}`,
      `a b+${id}+${key}`,
      `${name}+00000000+${key}`,
    ]) {
      assert.throws(() => parseVerifierKey(bad), ProofError, bad);
    }
    assert.throws(() => parseVerifierKey(`${name}+${id}+BA==`), malformed);
  });

  const line = '— a AAAAAAA=\n';
  const refused: Record<string, string> = {
    nothing: '',
    'text alone': 'a\n',
    'no blank line': `a\n${line}`,
    'no signature': 'a\n\n',
    'no newline at the end': `a\n\n${line.slice(0, -1)}`,
    'a carriage return': `a\r\n\n${line}`,
    'a tab': `a\t\n\n${line}`,
    'a hyphen for the dash': 'a\n\n- a AAAAAAA=\n',
    'two spaces': 'a\n\n— a  AAAAAAA=\n',
    'a third word': 'a\n\n— a AAAAAAA= b\n',
    'an empty name': 'a\n\n—  AAAAAAA=\n',
    'a plus in the name': 'a\n\n— a+b AAAAAAA=\n',
    'a no-break space in the name': 'a\n\n— a\u00a0b AAAAAAA=\n',
    'bad base64': 'a\n\n— a AAAAAAB=\n',
    'a bare key id': 'a\n\n— a AAAAAA==\n',
    'no base64': 'a\n\n— a\n',
  };
  for (const [title, whole] of Object.entries(refused)) {
    it(`refuses ${title}`, () => {
      assert.throws(() => parseNote(encodeUtf8(whole)), malformed);
    });
  }

  it('is total, bounded, and refuses invalid utf-8', () => {
    assert.throws(
      () => parseNote(concatBytes(Uint8Array.of(255), encodeUtf8(`a\n\n${line}`))),
      malformed,
    );
    const many = encodeUtf8(`a\n\n${line.repeat(NOTE_SIGNATURES_MAX + 1)}`);
    assert.throws(() => parseNote(many), { code: 'limit-exceeded' });
    assert.equal(parseNote(encodeUtf8(`a\n\n${line.repeat(16)}`)).signatures.length, 16);
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '\n', '—', ' ', 'AAAAAAA=', '+')), (parts) => {
        const bytes = encodeUtf8(parts.join(''));
        try {
          assert.deepEqual(formatNote(parseNote(bytes)), bytes);
        } catch (error) {
          assert.ok(error instanceof ProofError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('checkpoint', () => {
  const root = decodeBase64('bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=');

  it('parses to a tree head and formats back', () => {
    const head = { origin: 'example.com/log', size: 1n, root };
    assert.equal(formatTreeHead(head), text);
    const bytes = formatCheckpoint(head, [logLine]);
    assert.deepEqual(parseCheckpoint(bytes), { ...head, note: { text, signatures: [logLine] } });
  });

  it('refuses other texts', () => {
    const hash = 'bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=';
    for (const bad of [
      `a\n1\n`,
      `a\n1\n${hash}`,
      `a\n1\n${hash}\nextension\n`,
      `\n1\n${hash}\n`,
      `a\n01\n${hash}\n`,
      `a\n-1\n${hash}\n`,
      `a\n1.0\n${hash}\n`,
      `a\n18446744073709551616\n${hash}\n`,
      `a\n1\n${hash.slice(4)}\n`,
      `a\n1\n${hash.toLowerCase().slice(1)}\n`,
    ]) {
      assert.throws(() => parseTreeHead(bad), malformed, bad);
    }
    assert.equal(parseTreeHead(`a\n18446744073709551615\n${hash}\n`).size, 2n ** 64n - 1n);
  });
});
