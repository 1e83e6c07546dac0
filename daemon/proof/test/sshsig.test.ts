import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';

import { concatBytes, encodeUtf8 } from '../src/bytes.ts';
import { ProofError } from '../src/proof-error.ts';
import { parseSshPublicKeyLine, SSH_KEY_TYPES } from '../src/ssh-key.ts';
import { sshString, sshU32 } from '../src/ssh-wire.ts';
import {
  armorSshsig,
  dearmorSshsig,
  encodeSshsig,
  parseSshsig,
  readSshsig,
  verifySshsig,
} from '../src/sshsig.ts';
import { operatorKey } from './corpus/operators.ts';

const SSH_KEYGEN = '/usr/bin/ssh-keygen';
const message = encodeUtf8('retire the appliance of rack four');
const malformed = { code: 'ssh-malformed' };

describe('sshsig', () => {
  for (const type of SSH_KEY_TYPES) {
    const key = operatorKey('ada', type);

    it(`${type}: verifies over its message, namespace, hash and key alone`, () => {
      for (const hash of ['sha256', 'sha512'] as const) {
        const sshsig = key.sign(message, { hash });
        const bytes = encodeSshsig(sshsig);
        assert.deepEqual(parseSshsig(bytes), sshsig);
        assert.ok(verifySshsig(parseSshsig(bytes), message));
        assert.ok(!verifySshsig(sshsig, concatBytes(message, message)));
        assert.ok(
          !verifySshsig({ ...sshsig, hash: hash === 'sha256' ? 'sha512' : 'sha256' }, message),
        );
        const other = operatorKey('grace', type);
        assert.ok(!verifySshsig({ ...sshsig, publicKey: other.publicKey }, message));
        const elsewhere = key.sign(message, { hash, namespace: 'git' });
        assert.equal(parseSshsig(encodeSshsig(elsewhere)).namespace, 'git');
        assert.ok(!verifySshsig(elsewhere, message));
        assert.ok(!verifySshsig({ ...elsewhere, namespace: 'kudurru' }, message));
      }
    });

    it(`${type}: no byte can be changed, left out or added`, () => {
      const bytes = encodeSshsig(key.sign(message));
      for (let at = 0; at < bytes.length; at++) {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
        assert.ok(!isAccepted(changed), `byte ${at}`);
        assert.throws(() => parseSshsig(bytes.subarray(0, at)), malformed);
      }
      assert.throws(() => parseSshsig(concatBytes(bytes, Uint8Array.of(0))), malformed);
    });
  }

  it('reports what an authenticator says, and nothing for a key in software', () => {
    const flags = (bits: number): unknown =>
      operatorKey('ada', 'sk-ssh-ed25519@openssh.com').sign(message, { flags: bits, counter: 9 })
        .securityKey;
    assert.deepEqual(flags(1), { bits: 1, isPresent: true, isVerified: false, counter: 9 });
    assert.deepEqual(flags(4), { bits: 4, isPresent: false, isVerified: true, counter: 9 });
    assert.equal(operatorKey('ada', 'ssh-ed25519').sign(message).securityKey, null);
    const sshsig = operatorKey('ada', 'sk-ecdsa-sha2-nistp256@openssh.com').sign(message);
    assert.ok(sshsig.securityKey);
    const forged = { ...sshsig, securityKey: { ...sshsig.securityKey, counter: 8 } };
    assert.ok(!verifySshsig(forged, message));
  });

  it('refuses another version, a reserved field, an unknown hash, a foreign signature', () => {
    const key = operatorKey('ada', 'ssh-ed25519');
    const { signature } = key.sign(message);
    const make = (parts: Partial<Record<'version' | 'reserved' | 'hash' | 'type', string>>) =>
      concatBytes(
        encodeUtf8('SSHSIG'),
        sshU32(Number(parts.version ?? 1)),
        sshString(concatBytes(sshString('ssh-ed25519'), sshString(key.publicKey.key.bytes))),
        sshString('kudurru'),
        sshString(parts.reserved ?? ''),
        sshString(parts.hash ?? 'sha512'),
        sshString(concatBytes(sshString(parts.type ?? 'ssh-ed25519'), sshString(signature))),
      );
    assert.ok(isAccepted(make({})));
    const wrong = [
      { version: '2' },
      { reserved: 'x' },
      { hash: 'sha1' },
      { hash: 'sha384' },
      { type: 'ssh-ed448' },
    ];
    for (const parts of wrong) assert.throws(() => parseSshsig(make(parts)), malformed);
    assert.throws(() => parseSshsig(new Uint8Array(1025)), { code: 'limit-exceeded' });
  });

  it('refuses numbers that are zero, negative, padded or too long', () => {
    const { publicKey } = operatorKey('ada', 'ecdsa-sha2-nistp256');
    const whole = encodeSshsig(operatorKey('ada', 'ecdsa-sha2-nistp256').sign(message));
    const head = whole.subarray(0, whole.length - blobLength(whole));
    const one = Uint8Array.of(1);
    const numbers: readonly (readonly number[])[] = [
      [],
      [0],
      [0x80],
      [0, 1],
      [...new Uint8Array(33).fill(1)],
      [...new Uint8Array(34)],
    ];
    for (const number of numbers) {
      const scalars = concatBytes(sshString(Uint8Array.from(number)), sshString(one));
      const blob = concatBytes(sshString(publicKey.type), sshString(scalars));
      assert.throws(() => parseSshsig(concatBytes(head, sshString(blob))), malformed);
    }
  });

  it('is armored as ssh-keygen armors, and in no sloppier form', () => {
    const bytes = encodeSshsig(operatorKey('ada', 'ssh-ed25519').sign(message));
    const armored = armorSshsig(bytes);
    assert.deepEqual(dearmorSshsig(armored), bytes);
    assert.deepEqual(readSshsig(encodeUtf8(armored)), readSshsig(bytes));
    const lines = armored.split('\n');
    const sloppy = [
      '',
      armored.slice(1),
      ` ${armored}`,
      `${armored}\n`,
      armored.slice(0, -1),
      armored.replaceAll('\n', '\r\n'),
      armored.replace('SIGNATURE', 'SIGNATURE '),
      [lines[0], '', ...lines.slice(1)].join('\n'),
      [lines[0], lines[1]?.slice(0, 30), lines[1]?.slice(30), ...lines.slice(2)].join('\n'),
      [lines[0], lines.slice(1, -2).join(''), ...lines.slice(-2)].join('\n'),
      `${lines[0]}\n${lines.at(-2)}\n`,
      armored.replace(/[A-Z]/, '*'),
    ];
    for (const text of sloppy) assert.throws(() => dearmorSshsig(text), malformed, text);
    assert.throws(() => dearmorSshsig('x'.repeat(2049)), { code: 'limit-exceeded' });
  });
});

describe('sshsig, with ssh-keygen', function () {
  this.timeout(0); // a program starts when it starts
  let folder = '';
  const run = (arguments_: readonly string[], input: Uint8Array = new Uint8Array(0)): string =>
    execFileSync(SSH_KEYGEN, arguments_, { cwd: folder, input, encoding: 'utf8', stdio: 'pipe' });

  if (!existsSync(SSH_KEYGEN)) {
    it(`pending: there is no ${SSH_KEYGEN}`);
    return;
  }
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-sshsig-'));
    writeFileSync(join(folder, 'order'), message);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [kind, options] of [
    ['ed25519', []],
    ['ecdsa', ['-b', '256']],
  ] as const) {
    for (const hash of ['sha256', 'sha512']) {
      it(`accepts what it signs: ${kind}, ${hash}`, () => {
        const name = `${kind}-${hash}`;
        run(['-q', '-t', kind, ...options, '-N', '', '-C', 'ada@kudurru', '-f', name]);
        const line = readFileSync(join(folder, `${name}.pub`), 'utf8').trimEnd();
        const armored = run(
          ['-q', '-Y', 'sign', '-n', 'kudurru', '-O', `hashalg=${hash}`, '-f', name],
          message,
        );
        const sshsig = parseSshsig(dearmorSshsig(armored));
        assert.equal(sshsig.hash, hash);
        assert.deepEqual(sshsig.publicKey, parseSshPublicKeyLine(line));
        assert.ok(verifySshsig(sshsig, message));
        assert.ok(!verifySshsig(sshsig, message.subarray(1)));
        assert.equal(armorSshsig(encodeSshsig(sshsig)), armored);
      });
    }
  }

  for (const type of SSH_KEY_TYPES) {
    it(`accepts what the corpus signs as ${type}`, () => {
      const armored = armorSshsig(encodeSshsig(operatorKey('ada', type).sign(message)));
      writeFileSync(join(folder, 'order.sig'), armored);
      const check = ['-Y', 'check-novalidate', '-n', 'kudurru', '-s', 'order.sig'];
      assert.match(run(check, message), /Good "kudurru" signature/);
      assert.throws(() => run(check, message.subarray(1)));
    });
  }
});

function isAccepted(bytes: Uint8Array): boolean {
  try {
    return verifySshsig(parseSshsig(bytes), message);
  } catch (error) {
    assert.ok(error instanceof ProofError, String(error));
    return false;
  }
}

/** Length of the last `string` of an SSHSIG with its length field. */
function blobLength(whole: Uint8Array): number {
  for (let length = 4; length < whole.length; length++) {
    const at = whole.length - length;
    const view = new DataView(whole.buffer, whole.byteOffset + at, 4);
    if (view.getUint32(0) === length - 4 && length > 80) return length;
  }
  throw new Error('no signature blob');
}
