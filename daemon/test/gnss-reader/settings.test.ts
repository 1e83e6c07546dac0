import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { parseReaderSettings } from '../../gnss-reader/settings.ts';

const good = {
  ...{ parentPid: 7, line: '/dev/ttyACM0', baud: 9600, pulse: null },
  ...{ silenceMs: 3000, askEveryMs: 8000 },
};

describe('reader settings', () => {
  it('are taken as they are', () => {
    assert.deepEqual(parseReaderSettings(JSON.stringify(good)), good);
    const wired = { ...good, pulse: '/dev/pps0' };
    assert.deepEqual(parseReaderSettings(JSON.stringify(wired)), wired);
  });

  const bad: readonly (readonly [string, unknown])[] = [
    ['what is no object', 7],
    ['nothing', null],
    ['an unknown name', { ...good, parity: 'even' }],
    ['a missing name', { ...good, line: undefined }],
    ['a relative line', { ...good, line: 'ttyACM0' }],
    ['a slow line', { ...good, baud: 1200 }],
    ['a pulse that is no path', { ...good, pulse: '' }],
    ['a parent of no number', { ...good, parentPid: 0 }],
    ['no limit of silence', { ...good, silenceMs: 0 }],
    ['questions without pause', { ...good, askEveryMs: 1 }],
  ];
  for (const [what, settings] of bad) {
    it(`refuse ${what}`, () => {
      assert.throws(() => parseReaderSettings(JSON.stringify(settings)), TypeError);
    });
  }
});
