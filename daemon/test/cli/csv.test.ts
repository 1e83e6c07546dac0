import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import { csv } from '../../cli/csv.ts';

describe('comma-separated values', () => {
  it('quote what they must, and end each line in CR LF', () => {
    const records = [
      ['1', 'plain', ''],
      ['2', 'a "word", a\r\nline', 'x'],
    ];
    assert.equal(
      csv(['n', 'text', 'more'], records),
      'n,text,more\r\n1,plain,\r\n2,"a ""word"", a\r\nline",x\r\n',
    );
  });

  it('are the heading alone of nothing', () => assert.equal(csv(['a', 'b'], []), 'a,b\r\n'));
});
