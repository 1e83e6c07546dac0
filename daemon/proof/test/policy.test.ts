import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { encodeHex } from '../src/bytes.ts';
import type { TrustPolicy } from '../src/policy.ts';
import { DEFAULT_POLICY, formatTrustPolicy, parseTrustPolicy } from '../src/policy.ts';
import { committedExhibit } from './support/committed-corpus.ts';

const { policy } = committedExhibit('accept', 'outcome');
const json = JSON.parse(formatTrustPolicy(policy)) as Record<string, unknown>;
const parse = (changes: object): unknown =>
  parseTrustPolicy(JSON.stringify({ ...json, ...changes }));

describe('policy', () => {
  it('survives its JSON form', () => {
    assert.deepEqual(parseTrustPolicy(formatTrustPolicy(policy)), policy);
    assert.deepEqual(Object.keys(json), [
      'version',
      'name',
      'ledgerId',
      'origin',
      'logKey',
      'appliances',
      'acceptLabels',
      'unknownCosigners',
      'minimumWriterLevel',
      'minimumCoverage',
      'minimumTimeLevel',
    ]);
  });

  it('may name roots, pins and PCRs, and then survives its JSON form too', () => {
    const { endorsement } = committedExhibit('accept', 'hardware-under-default-policy').policy;
    assert.ok(endorsement);
    const expectedPcrs = [
      { pcr: 0, value: policy.ledgerId },
      { pcr: 7, value: policy.ledgerId },
    ];
    const pins = [policy.ledgerId];
    for (const atUnixSeconds of [null, 1_800_000_000]) {
      const full: TrustPolicy = {
        ...policy,
        endorsement: { ...endorsement, pins, atUnixSeconds },
        expectedPcrs,
      };
      assert.deepEqual(parseTrustPolicy(formatTrustPolicy(full)), full);
    }
  });

  it('by default wants hardware, known signers and a locked clock', () => {
    const { acceptLabels, unknownCosigners, minimumTimeLevel } = DEFAULT_POLICY;
    assert.deepEqual(
      [acceptLabels, unknownCosigners, minimumTimeLevel],
      [['hardware'], 'refuse', 'LOCKED'],
    );
  });

  const key = String(json['logKey']);
  const pcr = (number: number): object => ({ pcr: number, value: '00'.repeat(32) });
  const changes: readonly (readonly [string, object])[] = [
    ['an unknown member', { minimunTimeLevel: 'LOCKED' }],
    ['another version', { version: 2 }],
    ['an upper-case ledger id', { ledgerId: encodeHex(policy.ledgerId).toUpperCase() }],
    ['a short ledger id', { ledgerId: '00' }],
    ['a bad origin', { origin: 'https://x' }],
    ['a bad log key', { logKey: key.slice(0, -4) }],
    ['an unknown label', { acceptLabels: ['real'] }],
    ['a label twice', { acceptLabels: ['hardware', 'hardware'] }],
    ['an unknown level', { minimumTimeLevel: 'SURE' }],
    ['an unknown rule for cosigners', { unknownCosigners: 'accept' }],
    ['an appliance twice', { appliances: [0, 0].map((number) => ({ ...first(), number })) }],
    ['an unknown member of an appliance', { appliances: [{ ...first(), colour: 'red' }] }],
    ['a member that is missing', { name: undefined }],
    ['an endorsement of nothing', { endorsement: null }],
    ['an endorsement without pins', { endorsement: { roots: [], atUnixSeconds: null } }],
    ['a root that is none', { endorsement: { roots: ['3000'], pins: [], atUnixSeconds: null } }],
    ['PCRs that do not ascend', { expectedPcrs: [pcr(7), pcr(0)] }],
    ['a PCR twice', { expectedPcrs: [pcr(7), pcr(7)] }],
    ['a PCR that no TPM has', { expectedPcrs: [pcr(24)] }],
    ['no PCR at all', { expectedPcrs: [] }],
    ['an inherited name', JSON.parse('{"__proto__": {"x": 1}, "toString": 1}') as object],
  ];
  it('refuses a member that stands twice, however it is written', () => {
    const text = formatTrustPolicy(policy);
    const twice = [
      text.replace('{', '{ "acceptLabels": ["hardware"],'),
      text.replace('{', '{ "accept\\u004cabels": ["hardware"],'),
      text.replace('"number"', '"label": "hardware", "number"'),
    ];
    for (const each of twice) {
      assert.throws(() => parseTrustPolicy(each), { code: 'policy-invalid', message: /twice/ });
    }
    const name = '"name": {\\"';
    assert.deepEqual(parse({ name }), { ...policy, name });
  });

  for (const [title, change] of changes) {
    it(`refuses ${title}`, () => {
      assert.throws(() => parse(change), { code: 'policy-invalid' });
    });
  }

  it('refuses what is no JSON, no object, or no text of a sane length', () => {
    for (const source of ['', '{', '[]', 'null', '1']) {
      assert.throws(() => parseTrustPolicy(source), { code: 'policy-invalid' });
    }
    assert.throws(() => parseTrustPolicy(' '.repeat(1_000_001)), { code: 'limit-exceeded' });
  });

  function first(): object {
    const [appliance] = json['appliances'] as [object];
    return appliance;
  }
});
