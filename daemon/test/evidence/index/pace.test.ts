import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import {
  BUSY_ENTRIES_PER_SECOND,
  LoadWatch,
  PAUSE_MAX_MS,
  PAUSED_LAG_MAX,
  Stopped,
  Turns,
} from '../../../src/evidence/index/pace.ts';

const SECOND = 1000;

describe('the load watch', () => {
  /** Looks once a second while the log grows by so many entries in each. */
  function* growing(perSecond: number, lag: number): Generator<string, never> {
    const watch = new LoadWatch();
    watch.paceAt(0, 0, lag);
    for (let second = 1; ; second++) {
      yield watch.paceAt(second * SECOND, second * perSecond, lag);
    }
  }

  it('lets the builder go on while the ledger has little to do', () => {
    const paces = growing(BUSY_ENTRIES_PER_SECOND, PAUSED_LAG_MAX + 1);
    for (let look = 0; look < 10; look++) assert.equal(paces.next().value, 'free');
  });

  it('has it wait while the ledger is busy, and for so long only', () => {
    const paces = growing(BUSY_ENTRIES_PER_SECOND + 1, 0);
    for (let ms = 0; ms < PAUSE_MAX_MS; ms += SECOND) assert.equal(paces.next().value, 'paused');
    assert.equal(paces.next().value, 'share');
  });

  it('gives it a share where it is far behind', () => {
    assert.equal(growing(1_000_000, PAUSED_LAG_MAX + 1).next().value, 'share');
  });

  it('counts anew when the ledger was at rest in between', () => {
    const watch = new LoadWatch();
    watch.paceAt(0, 0, 0);
    assert.equal(watch.paceAt(SECOND, 1e6, 0), 'paused');
    assert.equal(watch.paceAt(PAUSE_MAX_MS, 1e6, 0), 'free');
    assert.equal(watch.paceAt(PAUSE_MAX_MS + SECOND, 2e6, 0), 'paused');
  });

  it('takes what it finds at first for no growth', () => {
    assert.equal(new LoadWatch().paceAt(5, 1e9, 0), 'free');
  });
});

describe('turns', () => {
  /** A clock that goes on by so much at each look. */
  const clock = (stepMs: number): (() => number) => {
    let nowMs = 0;
    return () => (nowMs += stepMs);
  };

  it('hold a paused worker until it may go on', async () => {
    const turns = new Turns(clock(100));
    turns.set('paused');
    let isHeld = true;
    const taken = turns.take().then(() => {
      isHeld = false;
    });
    for (let round = 0; round < 5; round++) await new Promise(setImmediate);
    assert.ok(isHeld);
    turns.nudge();
    for (let round = 0; round < 5; round++) await new Promise(setImmediate);
    assert.ok(isHeld, 'news is no leave to go on');
    turns.set('free');
    await taken;
  });

  it('end the work of whoever is stopped, paused or not', async () => {
    const turns = new Turns(clock(100));
    turns.set('paused');
    const taken = turns.take();
    turns.stop();
    await taken;
    await assert.rejects(turns.take(), Stopped);
    await assert.rejects(turns.rest(1e6), Stopped);
  });

  it('count the time of work and not that of pauses', async () => {
    let nowMs = 0;
    const turns = new Turns(() => nowMs);
    nowMs = 70;
    turns.set('paused');
    const taken = turns.take();
    for (let round = 0; round < 5; round++) await new Promise(setImmediate);
    nowMs = 5000;
    turns.set('free');
    await taken;
    nowMs = 5030;
    assert.equal(turns.takeBusyMs(), 100);
    assert.equal(turns.takeBusyMs(), 0);
  });

  it('rest until there is news', async () => {
    const turns = new Turns(clock(1));
    const rested = turns.rest(1e6);
    turns.nudge();
    await rested;
  });
});
