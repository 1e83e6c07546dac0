import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import { withDrills } from './drill-table.ts';
import type { DrillResult } from './drill.ts';

const result: DrillResult = {
  name: 'lock',
  levels: ['UNKNOWN', 'LOCKED'],
  worstTrueErrorNs: '7999',
  worstTrueErrorWhenLockedNs: '6000',
  wasOutsideWhenLocked: false,
  takesAway: null,
  ...{ actions: 5, actionsLost: 0, readings: 9, seconds: 3 },
  findings: [],
};
const begin = '<!-- drills: written by `npm run drill -- all --table hwtest/README.md` -->';
const empty = `before\n${begin}\n\n| drill |\n| --- |\n\n<!-- drills: end -->\nafter\n`;

describe('the table of drills', () => {
  it('has a row of what came, and keeps the others, in the order of drills', () => {
    const killed: DrillResult = { ...result, name: 'grandmaster-killed' };
    const document = withDrills(withDrills(empty, [killed]), [result]);
    const rows = document.split('\n').filter((line) => line.startsWith('| `'));
    assert.equal(rows.length, 2);
    assert.match(
      rows[0] ?? '',
      /^\| `lock` \| .* \| UNKNOWN, LOCKED \| 7 us \| 6 us \| always \|$/u,
    );
    assert.match(rows[1] ?? '', /^\| `grandmaster-killed` \|/u);
    assert.ok(document.startsWith('before\n') && document.endsWith('\nafter\n'));
    assert.equal(withDrills(document, [result]), document);
  });

  it('shows what did not hold', () => {
    const outside = withDrills(empty, [{ ...result, wasOutsideWhenLocked: true }]);
    assert.match(outside, /\| \*\*no\*\* \|/u);
    const lost = withDrills(empty, [{ ...result, findings: ['1 actions lost'] }]);
    assert.match(lost, /\| \*\*1 actions lost\*\* \|/u);
  });
});
