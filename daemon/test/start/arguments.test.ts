import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import { parseStart } from '../../tools/start/arguments.ts';

describe('start arguments', () => {
  it('are a state folder and the wish for no tour', () => {
    assert.deepEqual(parseStart([]), { state: undefined, wantsTour: true });
    assert.deepEqual(parseStart(['--no-tour', '--state', 'x']), { state: 'x', wantsTour: false });
    assert.deepEqual(parseStart(['--state=x']), { state: 'x', wantsTour: true });
  });

  it('are nothing else', () => {
    for (const words of [['--tour'], ['x'], ['--state']]) {
      assert.throws(() => parseStart(words), { code: 'config-invalid' });
    }
  });
});
