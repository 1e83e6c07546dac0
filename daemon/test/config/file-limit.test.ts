import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import { checkFileLimit } from '../../src/config/file-limit.ts';

const limits = (soft: string): string =>
  [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    `Max open files            ${soft.padEnd(20)} 1048576              files     `,
  ].join('\n');

describe('file limit', () => {
  it('is enough for the default settings on this box', () => checkFileLimit(1024));

  it('accepts what covers connections and all besides', () => {
    checkFileLimit(1024, limits('1792'));
    checkFileLimit(16_384, limits('unlimited'));
  });

  it('refuses what does not, and says how to raise it', () => {
    assert.throws(() => checkFileLimit(1024, limits('1791')), {
      code: 'config-invalid',
      message: /1792 open files are needed, and this process may have 1791; .*ulimit -n 1792/u,
    });
    assert.throws(() => checkFileLimit(1, ''), { code: 'config-invalid' });
  });
});
