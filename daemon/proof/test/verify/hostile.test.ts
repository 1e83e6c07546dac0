import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { decodeBundle, encodeBundle } from '../../src/bundle.ts';
import type { Bundle } from '../../src/bundle.ts';
import type { Entry } from '../../src/entry.ts';
import { decodeEntry, encodeEntry } from '../../src/entry.ts';
import { ProofError } from '../../src/proof-error.ts';
import { parseTlogProof } from '../../src/tlog-proof.ts';
import { verify } from '../../src/verify/verify.ts';
import { ACCEPT_CASES } from '../corpus/accept.ts';
import { entriesOf, forge } from '../corpus/forge.ts';
import { ed25519Signer } from '../corpus/keys.ts';
import { CorpusLedger } from '../corpus/ledger.ts';
import type { Exhibit } from '../corpus/scenario.ts';
import { exhibit, flip, observationEnvelope, playScenario } from '../corpus/scenario.ts';
import { mutationsOf } from '../support/cbor-mutations.ts';
import { objectMutationsOf } from '../support/object-mutations.ts';
import { rememberingVerifier } from '../support/remembering-verifier.ts';

const options = { verifyBatch: rememberingVerifier() };
const named = (name: string): Promise<Exhibit> => {
  const found = ACCEPT_CASES.find((candidate) => candidate.name === name);
  assert.ok(found, name);
  return found.make();
};

describe('verify, hostile bundles', function () {
  this.timeout(0); // thousands of verdicts: bounded by their number, not by time

  it('a bundle cut at any byte is INVALID', async () => {
    const { bytes, policy } = await named('intent-with-disclosure');
    for (let length = 0; length < bytes.length; length++) {
      const { overall } = await verify(bytes.subarray(0, length), policy, options);
      assert.equal(overall, 'INVALID', `cut at ${length}`);
    }
  });

  it('a bundle with any byte changed is not VALID', async () => {
    const { bytes, policy } = await named('intent-with-disclosure');
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      const { overall } = await verify(changed, policy, options);
      assert.notEqual(overall, 'VALID', `byte ${at}`);
    }
  });

  it('a bundle with any field changed and encoded again is not VALID', async () => {
    const { bytes, policy } = await named('intent-with-disclosure');
    let count = 0;
    for (const { path, bytes: changed } of mutationsOf(bytes)) {
      const { overall } = await verify(changed, policy, options);
      // A disclosure or an agent's head may be left out: the bundle says less and stays true.
      const saysLess = path === '[7] as null' || path === '[6][0] dropped';
      assert.notEqual(overall, saysLess ? 'INVALID' : 'VALID', path);
      count += 1;
    }
    assert.ok(count > 1000, `${count} mutations`);
  });

  it('a bundle with two entries exchanged is INVALID', async () => {
    const { bytes, policy } = await named('intent-with-disclosure');
    const bundle = decodeBundle(bytes);
    for (let left = -1; left < bundle.others.length; left++) {
      for (let right = left + 1; right < bundle.others.length; right++) {
        const changed = encodeBundle(exchange(bundle, left, right));
        const { overall } = await verify(changed, policy, options);
        assert.equal(overall, 'INVALID', `${left} and ${right}`);
      }
    }
  });

  it('another ledger has no VALID bundle here, nor this one under its policy', async () => {
    const alpha = playScenario();
    const beta = new CorpusLedger('beta');
    const session = beta.openSession(beta.enrol('clerk'));
    const [index = 0n] = beta.submit(session, [observationEnvelope()]);
    beta.anchor('counter-anchor');
    const ofBeta = await exhibit({ ledger: beta }, index);
    const ofAlpha = await exhibit(alpha, alpha.intent);
    assert.equal((await verify(ofBeta.bytes, ofBeta.policy)).overall, 'VALID');
    assert.equal((await verify(ofBeta.bytes, ofAlpha.policy)).overall, 'UNVERIFIABLE');
    assert.equal((await verify(ofAlpha.bytes, ofBeta.policy)).overall, 'UNVERIFIABLE');
  });

  it('a bundle with any field changed, and signed again by an attacker, is not VALID', async () => {
    const original = await named('intent-with-disclosure');
    const attacker = ed25519Signer('mallory');
    const bundle = decodeBundle(original.bytes);
    const { index: subject } = parseTlogProof(bundle.proof);
    let count = 0;
    for (const [index, bytes] of entriesOf(bundle, subject)) {
      for (const { path, value } of objectMutationsOf(decodeEntry(bytes))) {
        if (path === '.kind changed' || !isEncodable(value)) continue;
        const forged = forge(original, attacker, { index, entry: value });
        const { overall } = await verify(forged.bytes, forged.policy, options);
        assert.equal(overall, 'INVALID', `entry ${index}${path}`);
        count += 1;
      }
    }
    assert.ok(count > 100, `${count} changes`);
  });

  it('a whole ledger that an attacker wrote in the name of another is not VALID', async () => {
    const { ledger, intent } = playScenario();
    const policy = ledger.policy();
    const flaws = [{}, { genesisLogKey: ledger.logKey }];
    for (const flaw of flaws) {
      const story = playScenario({ impersonated: 'alpha', ...flaw }, { label: 'mallory' });
      const own = await exhibit(story, intent);
      assert.deepEqual(own.policy.ledgerId, policy.ledgerId);
      assert.notEqual((await verify(own.bytes, policy, options)).overall, 'VALID');
    }
  });

  it('nothing that is no bundle at all throws', async () => {
    const { policy } = await named('genesis');
    for (const bytes of [new Uint8Array(0), Uint8Array.of(0), new Uint8Array(5000).fill(0x81)]) {
      const verdict = await verify(bytes, policy);
      assert.equal(verdict.overall, 'INVALID');
      assert.equal(verdict.headline, 'INVALID');
      assert.deepEqual(
        verdict.checks.map(({ id }) => id),
        ['order.bundle-form'],
      );
      assert.equal(verdict.questions.who.state, 'not answered');
    }
    const long = new Uint8Array(33 * 1024 * 1024);
    assert.equal((await verify(long, policy)).overall, 'INVALID');
  });

  it('a verifier that fails or answers nonsense never makes a bundle VALID', async () => {
    const { bytes, policy } = await named('genesis');
    const verifiers = [
      () => Promise.reject(new Error('out of order')),
      () => Promise.resolve([]),
      () => Promise.resolve(['yes', 1] as unknown as boolean[]),
    ];
    for (const verifyBatch of verifiers) {
      assert.equal((await verify(bytes, policy, { verifyBatch })).overall, 'INVALID');
    }
  });

  it('the caller may change its buffer while the verdict is made', async () => {
    const { bytes, policy } = await named('genesis');
    const pending = verify(bytes, policy, options);
    bytes.fill(0);
    assert.equal((await pending).overall, 'VALID');
  });
});

/** Whether a change kept the entry inside its schema, so that it can be told at all. */
function isEncodable(entry: Entry): boolean {
  try {
    encodeEntry(entry);
    return true;
  } catch (error) {
    if (error instanceof ProofError) return false;
    throw error;
  }
}

/** `bundle` with the bytes of two entries exchanged; -1 is the subject. */
function exchange(bundle: Bundle, left: number, right: number): Bundle {
  const entryAt = (i: number): Uint8Array =>
    i < 0 ? bundle.entry : (bundle.others[i]?.entry ?? flip(bundle.entry));
  const others = bundle.others.map((other, i) => {
    if (i === left) return { ...other, entry: entryAt(right) };
    return i === right ? { ...other, entry: entryAt(left) } : other;
  });
  return { ...bundle, others, entry: left < 0 ? entryAt(right) : bundle.entry };
}
