import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import { HeldLines } from '../../tools/start/held-lines.ts';

const line = (level: string, what: string): string => `${JSON.stringify({ level, what })}\n`;

describe('held-lines', () => {
  it('lets warnings and errors through, and the others in their order at the end', () => {
    const written: string[] = [];
    const lines = new HeldLines((text) => written.push(text));
    for (const level of ['info', 'warning', 'debug', 'error']) lines.take(line(level, 'before'));
    assert.deepEqual(written, [line('warning', 'before'), line('error', 'before')]);
    lines.release();
    lines.take(line('info', 'after'));
    assert.deepEqual(written.slice(2), [
      line('info', 'before'),
      line('debug', 'before'),
      line('info', 'after'),
    ]);
  });

  it('holds the newest thousand, and says how many it dropped', () => {
    const written: string[] = [];
    const lines = new HeldLines((text) => written.push(text));
    for (let at = 0; at < 1003; at++) lines.take(line('info', `line ${at}`));
    lines.release();
    assert.equal(written.length, 1001);
    assert.equal(written[0], '(3 older lines are not shown)\n');
    assert.equal(written[1], line('info', 'line 3'));
  });
});
