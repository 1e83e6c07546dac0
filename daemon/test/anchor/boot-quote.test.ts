import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { bootQualifier, extendBase, parseAttest, pcrDigest } from '@kudurru/proof';

import { compareBootQuotes, quoteBoot } from '../../src/anchor/boot-quote.ts';
import { identity } from './anchoring-world.ts';
import { TwinTpm } from './twin-tpm.ts';

const boot = { bootNumber: 3, kernelBootId: new Uint8Array(16).fill(5) };

async function quoted(tpm: TwinTpm, pcrs: readonly number[], anchorPcr: number | null = 14) {
  return quoteBoot({ device: tpm, identity, pcrs, anchorPcr, deviceTimeoutMs: 1000 }, boot);
}

describe('boot quote', () => {
  it('is of the PCRs asked for and the anchor PCR, in order, for this very boot', async () => {
    const tpm = new TwinTpm(extendBase(identity.ledgerId));
    tpm.pcr = new Uint8Array(32).fill(8);
    const { quote, quoted: seen } = await quoted(tpm, [7, 0, 0]);
    assert.deepEqual(
      quote.values.map(({ pcr }) => pcr),
      [0, 7, 14],
    );
    const { attested, extraData } = parseAttest(quote.attest);
    assert(attested.type === 'quote');
    assert.deepEqual(attested.pcrDigest, pcrDigest(quote.values.map(({ value }) => value)));
    assert.deepEqual(extraData, bootQualifier({ ...identity, ...boot }));
    assert.deepEqual(seen.pcr, tpm.pcr);
    assert.equal(seen.moment.resetCount, tpm.resetCount);
  });

  it('has no anchor PCR where the ledger was founded without', async () => {
    const { quote, quoted: seen } = await quoted(new TwinTpm(new Uint8Array(32)), [0], null);
    assert.deepEqual(
      quote.values.map(({ pcr }) => pcr),
      [0],
    );
    assert.equal(seen.pcr, null);
  });

  it('tells the PCRs that differ from those of the first, but not the anchor PCR', async () => {
    const tpm = new TwinTpm(new Uint8Array(32));
    const { quote: first } = await quoted(tpm, [0, 7]);
    tpm.pcr = new Uint8Array(32).fill(8);
    const { quote: now } = await quoted(tpm, [0, 7]);
    assert.deepEqual(compareBootQuotes(first, now, 14), { kind: 'as-provisioned' });
    const values = now.values.map((each) =>
      each.pcr === 7 ? { ...each, value: new Uint8Array(32).fill(1) } : each,
    );
    const changed = { ...now, values };
    assert.deepEqual(compareBootQuotes(first, changed, 14), { kind: 'differs', pcrs: [7] });
    const { quote: more } = await quoted(tpm, [0, 1, 7]);
    const reason = 'the first boot entry has no PCR 1';
    assert.deepEqual(compareBootQuotes(first, more, 14), { kind: 'unknown', reason });
    assert.equal(compareBootQuotes(null, now, 14).kind, 'unknown');
  });
});
