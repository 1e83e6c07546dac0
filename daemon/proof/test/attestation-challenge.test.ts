import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, it } from 'mocha';

import {
  answerChallenge,
  checkChallengeAnswer,
  decodeAttestationChallenge,
  decodeKeptChallenge,
  encodeAttestationChallenge,
  encodeKeptChallenge,
  makeAttestationChallenge,
} from '../src/attestation-challenge.ts';
import { decodeApplianceDocument } from '../src/appliance.ts';
import { decodeBundle } from '../src/bundle.ts';
import { concatBytes, encodeUtf8 } from '../src/bytes.ts';
import { decodeEntry } from '../src/entry.ts';
import { applianceIdOf } from '../src/identifier.ts';
import { ProofError } from '../src/proof-error.ts';
import { CREDENTIAL_RANDOMNESS_SIZE_BYTES } from '../src/tpm-credential.ts';
import { parseSigningPublic } from '../src/tpm-public.ts';
import { seed } from './corpus/keys.ts';
import { committedExhibit } from './support/committed-corpus.ts';

const secret = seed('secret');
const randomness = concatBytes(seed('1'), seed('2'), seed('3'));
assert.equal(randomness.length, CREDENTIAL_RANDOMNESS_SIZE_BYTES);

const applianceDocument = ((): Uint8Array => {
  const { others } = decodeBundle(committedExhibit('accept', 'outcome').bytes);
  const genesis = others.map(({ entry }) => decodeEntry(entry)).find((e) => e.kind === 'genesis');
  assert(genesis?.kind === 'genesis');
  return genesis.applianceDocument;
})();

describe('attestation challenge', () => {
  it('names the appliance and its attestation key, and holds no secret', async () => {
    const { challenge } = await makeAttestationChallenge({ applianceDocument, secret, randomness });
    const { applianceId, akName } = decodeAttestationChallenge(challenge);
    assert.deepEqual(applianceId, applianceIdOf(applianceDocument));
    const { akPublic } = decodeApplianceDocument(applianceDocument);
    assert.deepEqual(akName, parseSigningPublic(akPublic).name);
    assert(!Buffer.from(challenge).includes(Buffer.from(secret)));
  });

  it('is answered by whoever finds its secret', async () => {
    const { challenge, kept } = await makeAttestationChallenge({
      applianceDocument,
      secret,
      randomness,
    });
    const answer = answerChallenge(challenge, secret);
    assert.equal(checkChallengeAnswer(kept, answer).outcome, 'proven');
    assert(!Buffer.from(answer).includes(Buffer.from(secret)));
    const hash = createHash('sha256').update(challenge).digest();
    const proof = createHmac('sha256', secret)
      .update(encodeUtf8('kudurru/challenge-answer/1\0'))
      .update(hash)
      .digest();
    assert(Buffer.from(answer).includes(proof));
    assert.equal(
      checkChallengeAnswer(kept, answerChallenge(challenge, seed('x'))).outcome,
      'wrong',
    );
  });

  it('tells an answer to another challenge from a wrong one', async () => {
    const first = await makeAttestationChallenge({ applianceDocument, secret, randomness });
    const order = { applianceDocument, secret: seed('other'), randomness };
    const second = await makeAttestationChallenge(order);
    const answer = answerChallenge(second.challenge, seed('other'));
    assert.equal(checkChallengeAnswer(first.kept, answer).outcome, 'another-challenge');
  });

  it('is kept with the document of its own appliance alone', async () => {
    const { challenge, kept } = await makeAttestationChallenge({
      applianceDocument,
      secret,
      randomness,
    });
    const asked = decodeAttestationChallenge(challenge);
    const foreign = encodeAttestationChallenge({ ...asked, applianceId: seed('another box') });
    const invalid = (error: unknown): boolean =>
      error instanceof ProofError && error.code === 'challenge-invalid';
    const value = { ...decodeKeptChallenge(kept), challenge: foreign };
    assert.throws(() => encodeKeptChallenge(value), invalid);
  });
});
