import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { concatBytes, encodeUtf8 } from '../src/bytes.ts';
import { encodeCbor } from '../src/cbor.ts';
import type { OperatorOrder } from '../src/operator-order.ts';
import {
  decodeOperatorOrder,
  encodeOperatorOrder,
  verifyAuthorisations,
} from '../src/operator-order.ts';
import { encodeSshsig } from '../src/sshsig.ts';
import { seed } from './corpus/keys.ts';
import { operatorKey } from './corpus/operators.ts';

const wanted: OperatorOrder = {
  kind: 'restore',
  ledgerId: seed('ledger'),
  nonce: seed('nonce'),
  expiryTaiNs: 1_790_000_000_000_000_000n,
  payload: encodeUtf8('payload'),
};
const order = encodeOperatorOrder(wanted);
const ada = operatorKey('ada', 'ssh-ed25519');
const grace = operatorKey('grace', 'sk-ecdsa-sha2-nistp256@openssh.com');
const operators = [
  { name: 'ada', sshPublicKey: `${ada.line} ada@kudurru` },
  { name: 'grace', sshPublicKey: grace.line },
  { name: 'nobody', sshPublicKey: 'ssh-rsa AAAA' },
];
const by = (key: typeof ada, choices = {}): Uint8Array => encodeSshsig(key.sign(order, choices));
const report = (
  ...authorisations: readonly Uint8Array[]
): ReturnType<typeof verifyAuthorisations> =>
  verifyAuthorisations({ order, authorisations }, operators);

describe('operator-order', () => {
  it('has one encoding', () => {
    assert.deepEqual(decodeOperatorOrder(order), wanted);
    const { kind, ledgerId, nonce, expiryTaiNs, payload } = wanted;
    assert.deepEqual(encodeCbor([kind, ledgerId, nonce, expiryTaiNs, payload]), order);
    const wrong = [
      [kind, ledgerId, nonce, expiryTaiNs],
      [kind, ledgerId, nonce, expiryTaiNs, payload, null],
      ['Restore', ledgerId, nonce, expiryTaiNs, payload],
      ['', ledgerId, nonce, expiryTaiNs, payload],
      [26, ledgerId, nonce, expiryTaiNs, payload],
      [kind, ledgerId.subarray(1), nonce, expiryTaiNs, payload],
      [kind, ledgerId, new Uint8Array(0), expiryTaiNs, payload],
      [kind, ledgerId, nonce, null, payload],
      [kind, ledgerId, nonce, 2n ** 63n, payload],
      [kind, ledgerId, nonce, expiryTaiNs, new Uint8Array(16_385)],
    ];
    for (const fields of wrong) {
      assert.throws(() => decodeOperatorOrder(encodeCbor(fields)), { code: 'order-invalid' });
    }
    assert.throws(() => decodeOperatorOrder(concatBytes(order, order)), { code: 'cbor-malformed' });
    assert.throws(() => encodeOperatorOrder({ ...wanted, kind: 'a b' }), { code: 'order-invalid' });
  });

  it('is authorised by the operators that signed it, each named once', () => {
    assert.deepEqual(report(by(ada), by(grace)), {
      authorisations: [
        { operator: 'ada', keyType: 'ssh-ed25519', securityKey: null },
        {
          operator: 'grace',
          keyType: 'sk-ecdsa-sha2-nistp256@openssh.com',
          securityKey: { bits: 5, isPresent: true, isVerified: true, counter: 7 },
        },
      ],
      problems: [],
    });
    assert.deepEqual(report(), { authorisations: [], problems: [] });
  });

  const mallory = operatorKey('mallory', 'ssh-ed25519');
  const problems: readonly (readonly [string, readonly Uint8Array[], RegExp])[] = [
    ['a stranger', [by(mallory)], /authorisation 0: the key is of no operator/],
    ['another namespace', [by(ada, { namespace: 'git' })], /namespace 'git'/],
    ['an order that was changed', [encodeSshsig(ada.sign(order.subarray(1)))], /not a signature/],
    ['nobody at the authenticator', [by(grace, { flags: 4 })], /nobody was present/],
    ['one operator twice', [by(ada), by(ada, { hash: 'sha256' })], /'ada' signed twice/],
    ['no signature at all', [Uint8Array.of(1)], /sshsig: cut off/],
  ];
  for (const [title, authorisations, message] of problems) {
    it(`is not authorised by ${title}`, () => {
      const found = report(...authorisations);
      assert.equal(found.problems.length, 1);
      assert.match(found.problems[0] ?? '', message);
      assert.equal(found.authorisations.length, authorisations.length - 1);
    });
  }
});
