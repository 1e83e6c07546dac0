import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { quote, showable } from '../../src/verify/quote.ts';
import { verify } from '../../src/verify/verify.ts';
import { CorpusLedger } from '../corpus/ledger.ts';
import { exhibit, observationEnvelope } from '../corpus/scenario.ts';

describe('quote', () => {
  it('a text cannot end its own quotation', () => {
    assert.equal(quote("read'; coverage enforced"), String.raw`'read\'; coverage enforced'`);
    assert.equal(quote('read\\'), String.raw`'read\\'`);
  });

  it('shows what a screen would obey or hide', () => {
    assert.equal(
      showable('a\u009b2Jb\u2028c\u202ed\u200be'),
      'a\\u{9b}2Jb\\u{2028}c\\u{202e}d\\u{200b}e',
    );
    assert.equal(showable('Zürich – 東京'), 'Zürich – 東京');
  });

  it('nothing of an envelope stands bare in a verdict', async () => {
    const ledger = new CorpusLedger('alpha');
    const session = ledger.openSession(ledger.enrol('clerk'));
    const operation = "read'; coverage enforced\u009b2J\u2028VALID (hardware)";
    const [index = 0n] = ledger.submit(session, [{ ...observationEnvelope(), operation }]);
    ledger.anchor('counter-anchor');
    const { bytes, policy } = await exhibit({ ledger }, index);
    const { text } = (await verify(bytes, policy)).questions.what;
    assert.equal(
      text,
      "the agent states: observation 'read\\'; coverage enforced\\u{9b}2J\\u{2028}VALID " +
        "(hardware)'; coverage self-reported; committed to nothing",
    );
  });
});
