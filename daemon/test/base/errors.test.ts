import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import {
  ERROR_CODES,
  KudurruError,
  isKudurruError,
  reasonOf,
  wrapError,
} from '../../src/base/errors.ts';

describe('errors', () => {
  it('carry the retry of their code and their cause', () => {
    const cause = new Error('no space left');
    const error = new KudurruError('frame-too-long', 'frame refused: too long', { cause });
    assert.equal(error.retry, ERROR_CODES['frame-too-long'].retry);
    assert.equal(error.cause, cause);
    assert.ok(isKudurruError(error) && isKudurruError(error, 'frame-too-long'));
    assert.ok(!isKudurruError(error, 'value-out-of-range'));
    assert.ok(!isKudurruError(cause));
  });

  it('wrap a foreign error and say why', () => {
    const cause = new Error('EACCES: permission denied');
    const error = wrapError('value-out-of-range', "folder '/x' not opened", cause);
    assert.equal(error.message, "folder '/x' not opened: EACCES: permission denied");
    assert.equal(error.cause, cause);
  });

  it('keep the first code when wrapped again', () => {
    const first = new KudurruError('frame-too-long', 'frame refused');
    assert.equal(wrapError('value-out-of-range', 'other', first), first);
  });

  it('give the reason of whatever was thrown, once for each cause', () => {
    const root = new Error('disk gone');
    const middle = new Error('write failed', { cause: root });
    assert.equal(
      reasonOf(new Error('append failed', { cause: middle })),
      'append failed: write failed: disk gone',
    );
    assert.equal(
      reasonOf(wrapError('frame-too-long', 'append failed', root)),
      'append failed: disk gone',
    );
    assert.equal(reasonOf('text'), 'text');
    assert.equal(reasonOf(null), 'null');
  });

  it('end at a cause that points back', () => {
    const first = new Error('first');
    const second = new Error('second', { cause: first });
    first.cause = second;
    assert.equal(reasonOf(first), 'first: second');
  });
});
