import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

import { describe, it } from 'mocha';

import { Mutator } from '../../proof/test/support/mutator.ts';
import { checkedJsonText } from '../../src/base/checked-json.ts';
import { approvalMessage } from '../../src/hardware/backends/boot-policy.ts';
import {
  encodeTokenPin,
  parseTokenPin,
  type FinishedPin,
  type TokenPinState,
} from '../../src/hardware/backends/token-pin-state.ts';
import { pointOf } from '../../src/provision/approval-key.ts';
import { problemsOfSealedPin } from '../../src/provision/sealed-pin-check.ts';

const inputs = 2000;
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const bytes = (length: number): Uint8Array => Uint8Array.from(randomBytes(length));
const ledgerId = bytes(32);
const founded = { ledgerId, tokenSerial: 'a token' };
const sealed = { publicArea: bytes(60), privatePart: bytes(90) };
const values = [
  { pcr: 0, value: bytes(32) },
  { pcr: 4, value: bytes(32) },
];
const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
const signature = Uint8Array.from(sign('sha256', approvalMessage(ledgerId, values), key));
const whole: FinishedPin = {
  stage: 'finished',
  ledgerId,
  approvalKey: pointOf(publicKey),
  userPin: sealed,
  approvals: [{ values, signature }],
  tokenSerial: founded.tokenSerial,
};
const { tokenSerial: _, ...common } = whole;
const prepared: TokenPinState = { ...common, stage: 'prepared', officerPin: sealed };

describe("check of a sealed PIN's file", () => {
  it('finds nothing in one that is whole, of its ledger and its token', () => {
    assert.deepEqual(problemsOfSealedPin(encodeTokenPin(whole), founded), []);
    assert.deepEqual(problemsOfSealedPin(encodeTokenPin(prepared), null), []);
  });

  const swapped = { ...whole, approvals: [{ values: [{ pcr: 1, value: bytes(32) }], signature }] };
  const cases: readonly (readonly [string, TokenPinState, RegExp])[] = [
    ['other values than were signed', swapped, /approval 1 is not signed by the key in it/u],
    ['another key', { ...whole, approvalKey: new Uint8Array(64) }, /approval 1 is not signed/u],
    ['another ledger', { ...whole, ledgerId: bytes(32) }, /it is of another ledger/u],
    ['another token', { ...whole, tokenSerial: 'another' }, /of the token 'another', and the log/u],
    ['a token that was not finished', prepared, /initialisation not finished/u],
  ];
  for (const [name, state, problem] of cases) {
    it(`finds ${name}`, () => {
      assert.match(problemsOfSealedPin(encodeTokenPin(state), founded).join('\n'), problem);
    });
  }

  it('finds a byte that changed', () => {
    const text = encodeTokenPin(whole).replace('"version": 1', '"version": 2');
    assert.match(problemsOfSealedPin(text, founded).join('\n'), /not what its digest says/u);
  });

  it(`throws at none of ${inputs} changed files, whose digest fits where it can`, () => {
    const mutator = new Mutator(20_261_122);
    const corpus = [whole, prepared].map((state) => Buffer.from(membersOf(state)));
    const reached = new Set<boolean>();
    for (let input = 0; input < inputs; input++) {
      const changed = Buffer.from(mutator.mutate(corpus)).toString('utf8');
      const text = withDigest(changed);
      const problems = problemsOfSealedPin(text, founded);
      reached.add(problems.length === 0);
      if (problems.length === 0) assert.equal(encodeTokenPin(parseTokenPin(text)), text);
    }
    assert(reached.has(false));
  });
});

function membersOf(state: TokenPinState): string {
  const { sha256: _digest, ...members } = JSON.parse(encodeTokenPin(state)) as { sha256: string };
  return JSON.stringify(members);
}

/** With the digest of what it says, where it is a JSON object; else as it is. */
function withDigest(text: string): string {
  try {
    const members: unknown = JSON.parse(text);
    if (typeof members !== 'object' || members === null) return text;
    return checkedJsonText(members as Record<string, unknown>);
  } catch {
    return text;
  }
}
