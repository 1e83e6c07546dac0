import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { concatBytes, encodeBase64 } from '../src/bytes.ts';
import {
  encodeSshPublicKey,
  formatSshPublicKeyLine,
  parseSshPublicKey,
  parseSshPublicKeyLine,
  SSH_KEY_TYPES,
  sshFingerprint,
} from '../src/ssh-key.ts';
import { sshString } from '../src/ssh-wire.ts';
import { operatorKey } from './corpus/operators.ts';

const malformed = { code: 'ssh-malformed' };

describe('ssh-key', () => {
  for (const type of SSH_KEY_TYPES) {
    it(`${type}: one line, one blob`, () => {
      const { publicKey, line } = operatorKey('ada', type);
      assert.deepEqual(parseSshPublicKeyLine(line), publicKey);
      assert.deepEqual(parseSshPublicKeyLine(`${line} ada@kudurru, second key`), publicKey);
      assert.equal(formatSshPublicKeyLine(publicKey), line);
      const blob = encodeSshPublicKey(publicKey);
      for (let length = 0; length < blob.length; length++) {
        assert.throws(() => parseSshPublicKey(blob.subarray(0, length)), malformed);
      }
      assert.throws(() => parseSshPublicKey(concatBytes(blob, Uint8Array.of(0))), malformed);
      assert.match(sshFingerprint(publicKey), /^SHA256:[A-Za-z0-9+/]{43}$/);
    });
  }

  it('refuses a line of another form', () => {
    const { line } = operatorKey('ada', 'ssh-ed25519');
    const [type = '', blob = ''] = line.split(' ');
    const lines = [
      '',
      type,
      blob,
      ` ${line}`,
      `${line} `,
      `${line}\n`,
      `${line} a\tb`,
      `${type}  ${blob}`,
      `${type} ${blob.slice(0, -1)}`,
      `cert-authority ${line}`,
      `sk-${line}`,
      line.replace('ssh-ed25519', 'sk-ssh-ed25519@openssh.com'),
      `${line} ${'x'.repeat(1024)}`,
    ];
    for (const each of lines) assert.throws(() => parseSshPublicKeyLine(each), malformed, each);
  });

  it('refuses keys of other types, curves and points', () => {
    const rsa = concatBytes(sshString('ssh-rsa'), sshString(Uint8Array.of(1, 0, 1)));
    const [type, point] = ['ecdsa-sha2-nistp256', new Uint8Array(65).fill(4)];
    const curve = concatBytes(sshString(type), sshString('nistp384'), sshString(point));
    for (const blob of [rsa, curve]) {
      assert.throws(() => parseSshPublicKey(blob), malformed, encodeBase64(blob));
    }
    const off = concatBytes(sshString(type), sshString('nistp256'), sshString(point));
    const small = concatBytes(sshString('ssh-ed25519'), sshString(new Uint8Array(32)));
    const short = concatBytes(sshString('ssh-ed25519'), sshString(new Uint8Array(31)));
    for (const blob of [off, small, short]) {
      assert.throws(() => parseSshPublicKey(blob), { code: 'key-malformed' });
    }
  });

  it('does not format what is no key of its type', () => {
    const { publicKey } = operatorKey('ada', 'ssh-ed25519');
    const wrong = [
      { ...publicKey, type: 'ecdsa-sha2-nistp256' },
      { ...publicKey, application: 'ssh:' },
      { ...publicKey, type: 'sk-ssh-ed25519@openssh.com' },
    ] as const;
    for (const key of wrong) {
      assert.throws(() => encodeSshPublicKey(key), { code: 'key-malformed' });
    }
  });
});
