import check from 'node:assert/strict';
import { describe, it } from 'mocha';

import { assert, present, unreachable } from '../../src/base/assert.ts';

const broken = { code: 'assertion-failed', retry: 'restart' };

describe('assert', () => {
  it('throws where the promise is broken, and only there', () => {
    assert(true, 'true is true');
    check.throws(() => assert(false, 'the tree grows'), {
      ...broken,
      message: 'broken promise: the tree grows',
    });
  });

  it('gives back what is present, zero and empty included', () => {
    check.equal(present(0, 'a count'), 0);
    check.equal(present('', 'a text'), '');
    check.throws(() => present(undefined, 'a count'), broken);
    check.throws(() => present(null, 'a count'), broken);
  });

  it('throws at a case that cannot be', () => {
    check.throws(() => unreachable('north' as never, 'a known level'), {
      ...broken,
      message: "broken promise: a known level; got 'north'",
    });
  });
});
