import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { encodeSshPublicKey, parseSshPublicKeyLine } from '@kudurru/proof';
import fc from 'fast-check';
import { after, before, describe, it } from 'mocha';

import { makeOperatorKey } from '../../../hwtest/backends/operator-key.ts';
import { encryptToPeople, parseAgeRecipient, type AgeRecipient } from '../../src/provision/age.ts';
import { montgomeryOf } from '../../src/provision/montgomery.ts';
import { openAge, sshIdentity, type AgeIdentity } from './age-opener.ts';

describe('age', () => {
  let folder: string;
  let ana: { recipient: AgeRecipient; identity: AgeIdentity };
  const box = x25519Pair();

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-age-'));
    const file = makeOperatorKey(folder, 'ana');
    const key = parseSshPublicKeyLine(readFileSync(`${file}.pub`, 'utf8').trimEnd());
    const blob = encodeSshPublicKey(key);
    ana = {
      recipient: { kind: 'ssh-ed25519', blob, publicKey: key.key.bytes },
      identity: sshIdentity(readFileSync(file, 'utf8')),
    };
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is opened by each of its recipients', () => {
    const text = Buffer.from('for two people');
    const armored = encryptToPeople(text, [ana.recipient, box.recipient]);
    assert.deepEqual(openAge(armored, ana.identity), text);
    assert.deepEqual(openAge(armored, box.identity), text);
  });

  it('is opened by nobody else, and not when a bit of it was changed', () => {
    const armored = encryptToPeople(Buffer.from('for ana'), [ana.recipient]);
    assert.throws(() => openAge(armored, box.identity), /no stanza/u);
    const lines = armored.split('\n');
    const body = Buffer.from(lines.slice(1, -2).join(''), 'base64');
    for (const at of [30, 60, 100, body.length - 20, body.length - 1]) {
      const changed = Buffer.from(body);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const encoded = changed.toString('base64').match(/.{1,64}/gu) ?? [];
      const forged = [lines[0], ...encoded, ...lines.slice(-2)].join('\n');
      assert.throws(() => openAge(forged, ana.identity), `byte ${at}`);
    }
  });

  it('holds what it was given, of any length up to a chunk', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_536 }), (sizeBytes) => {
        const plaintext = randomBytes(sizeBytes);
        const armored = encryptToPeople(plaintext, [box.recipient]);
        return openAge(armored, box.identity).equals(plaintext);
      }),
      { numRuns: 20 },
    );
  });

  it('refuses no recipient, no bytes, and more than a chunk', () => {
    assert.throws(() => encryptToPeople(Buffer.from('x'), []), /no recipient/u);
    assert.throws(() => encryptToPeople(Buffer.alloc(0), [box.recipient]), /0 bytes/u);
    assert.throws(() => encryptToPeople(Buffer.alloc(65_537), [box.recipient]), /65537 bytes/u);
  });

  it('refuses a key of small order', () => {
    const nowhere = { kind: 'X25519', publicKey: new Uint8Array(32) } as const;
    assert.throws(() => encryptToPeople(Buffer.from('x'), [nowhere]), /small order/u);
    const one = Uint8Array.of(1, ...new Uint8Array(31));
    assert.throws(() => montgomeryOf(one), RangeError);
  });

  it('reads age1 recipients, and refuses what is none', () => {
    // From the README of the stock tool.
    const known = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
    const recipient = parseAgeRecipient(known);
    assert.equal(recipient.publicKey.length, 32);
    assert.deepEqual(parseAgeRecipient(known.toUpperCase()), recipient);
    for (const bad of [
      '',
      'age1',
      known.slice(0, -1),
      `${known.slice(0, -1)}q`,
      known.replace('age1', 'aga1'),
      `A${known.slice(1)}`,
      known.replace('q', 'b'),
    ]) {
      assert.throws(() => parseAgeRecipient(bad), RangeError, bad);
    }
  });
});

function x25519Pair(): { recipient: AgeRecipient; identity: AgeIdentity } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const last = (der: Buffer): Uint8Array => Uint8Array.from(der.subarray(-32));
  return {
    recipient: {
      kind: 'X25519',
      publicKey: last(publicKey.export({ format: 'der', type: 'spki' })),
    },
    identity: {
      kind: 'X25519',
      secret: last(privateKey.export({ format: 'der', type: 'pkcs8' })),
    },
  };
}
