import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import type { Claim } from '../../src/time/agreement.ts';
import { agree } from '../../src/time/agreement.ts';

const claim = (source: number, low: number, high: number): Claim => ({
  ...{ source, group: `g${source}` },
  lowNs: BigInt(low),
  highNs: BigInt(high),
});
/** The same of sources that draw on one thing. */
const ofOneGroup = (...claims: readonly Claim[]): Claim[] =>
  claims.map((each) => ({ ...each, group: 'one' }));

describe('agreement', () => {
  it('intersects two, of which none may lie', () => {
    assert.deepEqual(agree([claim(0, 0, 10), claim(1, 5, 20)]), {
      ...{ state: 'agreed', lowNs: 5n, highNs: 10n, groups: 2, liars: 0 },
      outvoted: [],
    });
  });

  it('is a dispute between two that have nothing in common', () => {
    const { state, lowNs, highNs, liars } = agree([claim(0, 0, 10), claim(1, 11, 20)]);
    assert.deepEqual([state, lowNs, highNs, liars], ['disputed', 0n, 20n, 0]);
  });

  it('names the one of three that is wrong, and lets one of three lie unseen', () => {
    const outvoting = agree([claim(0, 0, 10), claim(1, 5, 20), claim(2, 100, 110)]);
    assert.deepEqual([outvoting.state, outvoting.groups, outvoting.outvoted], ['agreed', 2, [2]]);
    const three = agree([claim(0, 0, 10), claim(1, 5, 20), claim(2, 8, 30)]);
    assert.deepEqual([three.lowNs, three.highNs, three.liars], [5n, 20n, 1]);
  });

  it('is a dispute where it is not clear which of three is wrong', () => {
    const { state } = agree([claim(0, 0, 10), claim(1, 5, 20), claim(2, 15, 30)]);
    assert.equal(state, 'disputed');
  });

  it('gives one voice to what draws on one thing, unless it contradicts itself', () => {
    const { groups, lowNs, highNs } = agree(ofOneGroup(claim(0, 0, 10), claim(1, 5, 20)));
    assert.deepEqual([groups, lowNs, highNs], [1, 0n, 20n]);
    assert.equal(agree(ofOneGroup(claim(0, 0, 10), claim(1, 11, 20))).state, 'disputed');
  });

  it('holds the truth while no more lie than it says', () => {
    const around = fc.record({ early: fc.nat({ max: 50 }), late: fc.nat({ max: 50 }) });
    const lie = fc.record({ at: fc.integer({ min: -300, max: 300 }), width: fc.nat({ max: 300 }) });
    fc.assert(
      fc.property(fc.array(around, { minLength: 1, maxLength: 5 }), lie, (honest, lying) => {
        const claims = honest.map(({ early, late }, i) => claim(i, -early, late));
        const liar = claim(honest.length, lying.at, lying.at + lying.width);
        const all = agree([...claims, liar]);
        const isKnown = all.liars > 0 || all.outvoted.includes(liar.source);
        const isSafe = all.state === 'agreed' && isKnown;
        if (isSafe) assert.ok(all.lowNs <= 0n && all.highNs >= 0n);
        const honestly = agree(claims);
        assert.ok(honestly.state === 'agreed' && honestly.lowNs <= 0n && honestly.highNs >= 0n);
      }),
    );
  });
});
