import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import type { Standing } from '../../src/time/level.ts';
import { levelOf } from '../../src/time/level.ts';

const LOCKED: Standing = {
  state: 'agreed',
  groups: 1,
  locks: true,
  isInAnchor: false,
  hasBase: false,
};

describe('level', () => {
  it('is the table of SPEC.md §9.6', () => {
    const rows: readonly (readonly [string, Partial<Standing>])[] = [
      ['LOCKED', {}],
      ['LOCKED', { groups: 2 }],
      ['LOCKED', { isInAnchor: true }],
      ['ATTESTED', { groups: 2, isInAnchor: true }],
      ['HOLDOVER', { groups: 2, isInAnchor: true, locks: false, hasBase: true }],
      ['DEGRADED', { groups: 2, isInAnchor: true, locks: false }],
      ['DISPUTED', { groups: 2, isInAnchor: true, state: 'disputed', hasBase: true }],
      ['HOLDOVER', { groups: 0, state: 'silent', hasBase: true }],
      ['UNKNOWN', { groups: 0, state: 'silent' }],
    ];
    for (const [level, changes] of rows) assert.equal(levelOf({ ...LOCKED, ...changes }), level);
  });
});
