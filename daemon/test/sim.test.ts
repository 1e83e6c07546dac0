/**
 * A fixed budget of the simulation: seeds, one planned crash at many calls and steps, and every
 * seeded bug. The program is the one that is built with the C++ tests, with their sanitizers.
 * `npm run sim` runs more.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';

import { parseSim } from '../sim/arguments.ts';
import { catchOne } from '../sim/canaries.ts';
import { listCanaries, runNow, type Outcome } from '../sim/program.ts';
import { brokenLine } from '../sim/report.ts';

const program = join(import.meta.dirname, '..', '..', 'native', 'build', 'test', 'kudurru-sim');
const timeoutMs = 300_000;
const seeds = { first: 1, last: 40 };
const sweep = { seed: 1, stride: 17 };

describe('sim', function () {
  this.timeout(timeoutMs);

  if (existsSync(program)) {
    describeRuns();
  } else if (existsSync('/usr/include/gtest/gtest.h')) {
    it('is built: run npm run prepare-tests', () => assert.fail(`${program} is missing`));
  } else {
    it('needs the Debian package libgtest-dev, which the C++ tests are built with');
  }

  it('refuses words that it does not know, and seeds that are none', () => {
    assert.throws(() => parseSim(['--sed', '1']), TypeError);
    for (const words of ['', '9-1', '1-', 'x', '-1', '18446744073709551616']) {
      assert.throws(() => parseSim([`--seeds=${words}`]), RangeError, words);
    }
    assert.throws(() => parseSim(['--seed', '1', '--seeds', '1-2']), RangeError);
    assert.throws(() => parseSim(['--sweep', '0']), RangeError);
    const { first, last } = parseSim(['--seed', '18446744073709551615']);
    assert.deepEqual([first, last], [2n ** 64n - 1n, 2n ** 64n - 1n]);
  });
});

function describeRuns(): void {
  it(`seeds ${seeds.first} to ${seeds.last} keep every invariant`, () => {
    const outcomes = runNow(program, ['--seeds', `${seeds.first}-${seeds.last}`]);
    assert.equal(outcomes.length, seeds.last - seeds.first + 1);
    assert.equal(brokenIn(outcomes), '');
    // A budget in which nothing happens proves nothing.
    for (const what of ['power cuts', 'kills', 'torn tails cut', 'receipts', 'damage noticed']) {
      assert.ok(
        outcomes.some(({ counts }) => (counts[what] ?? 0) > 0),
        `no world had ${what}`,
      );
    }
    for (const mode of ['friendly', 'failing', 'hostile']) {
      assert.ok(
        outcomes.some((outcome) => outcome.mode === mode),
        `no world was ${mode}`,
      );
    }
  });

  it('the same seed is the same run', () => {
    const words = ['--seeds', `${seeds.first}-${seeds.first + 5}`];
    assert.deepEqual(runNow(program, words), runNow(program, words));
  });

  it(`seed ${sweep.seed}, with one crash at every ${sweep.stride}th call and step`, () => {
    const words = ['--seeds', String(sweep.seed), '--sweep', String(sweep.stride)];
    const outcomes = runNow(program, words);
    assert.equal(brokenIn(outcomes), '');
    const [whole, ...crashed] = outcomes;
    assert.ok(whole !== undefined && crashed.length >= (whole.calls + whole.step) / sweep.stride);
    assert.ok(crashed.every(({ counts }) => (counts['kills'] ?? 0) + (counts['power cuts'] ?? 0)));
  });

  for (const canary of listCanaries(program)) {
    it(`${canary.invariant} is broken where ${canary.bug}`, function () {
      const { outcome, isReplayed } = catchOne(program, canary);
      assert.ok(outcome !== undefined, `no seed caught ${canary.name}`);
      this.runnable().title += ` (${canary.name}: seed ${outcome.seed}, step ${outcome.step})`;
      assert.ok(isReplayed, `seed ${outcome.seed} run again is another run`);
    });
  }
}

function brokenIn(outcomes: readonly Outcome[]): string {
  return outcomes
    .filter(({ invariant }) => invariant !== '')
    .map((outcome) => brokenLine(outcome, undefined))
    .join('');
}
