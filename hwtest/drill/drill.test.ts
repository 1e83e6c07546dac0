import assert from 'node:assert/strict';

import { before, describe, it } from 'mocha';

import { labRefusal } from '../lab/lab.ts';
import { DRILLS } from './drills.ts';
import { runDrill } from './run-drill.ts';

const refusal = labRefusal();
/** Of a machine that is busy with much else. */
const untilLimitS = 600;

describe(`drills${refusal === null ? '' : `: ${refusal}`}`, function () {
  this.timeout(4 * untilLimitS * 1000);

  before(function () {
    if (refusal !== null) this.skip();
  });

  for (const name of [
    ...['grandmaster-killed', 'small-one-way-delay'],
    ...['forged-response', 'two-sources-agree', 'gnss-spoofed-beside-ptp'],
  ]) {
    it(name, async () => {
      const drill = DRILLS.find((each) => each.name === name);
      assert.ok(drill !== undefined);
      const lines: string[] = [];
      const say = (line: string): number => lines.push(line);
      const result = await runDrill(drill, { say, untilLimitS });
      assert.deepEqual(result.findings, [], lines.join('\n'));
    });
  }

  it('has a name of its own for each', () => {
    const names = DRILLS.map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)]);
  });
});
