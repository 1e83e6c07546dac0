import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { KudurruError } from '../../src/base/errors.ts';
import { openLog, type Log, type LogLevel } from '../../src/base/log.ts';

describe('log', () => {
  it('prints one JSON line with its time, level, part and facts', () => {
    const { log, lines } = collect('info');
    log.part('journal').info('batch\ncommitted', { entries: 3, size: 2n ** 60n, final: false });
    assert.deepEqual(lines, [
      '{"time":"1970-01-01T00:00:01.000Z","level":"info","part":"journal",' +
        '"what":"batch\\ncommitted","entries":3,"size":"1152921504606846976","final":false}\n',
    ]);
  });

  it('leaves out what is under its level', () => {
    const { log, lines } = collect('warning');
    log.debug('one');
    log.info('two');
    log.warning('three');
    log.error('four', new Error('why'));
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).what),
      ['three', 'four'],
    );
  });

  it('prints the code, retry and causes of an error', () => {
    const { log, lines } = collect('error');
    const cause = new Error('EIO');
    log.error('append failed', new KudurruError('frame-too-long', 'no write', { cause }));
    const { code, retry, reason } = JSON.parse(lines.join(''));
    assert.deepEqual(
      { code, retry, reason },
      {
        code: 'frame-too-long',
        retry: 'never',
        reason: 'no write: EIO',
      },
    );
  });

  it('does not print what is named a secret', () => {
    const { log, lines } = collect('info');
    log.info('opened', { pin: '1234', userPin: '1234', typing: 'fast', accessToken: '1234' });
    assert.ok(!lines.join('').includes('1234'));
    assert.equal(JSON.parse(lines.join('')).typing, 'fast');
  });

  it('cuts a long value and says how long it was', () => {
    const { log, lines } = collect('info');
    log.info('answered', { text: 'x'.repeat(5000) });
    assert.equal(JSON.parse(lines.join('')).text, `${'x'.repeat(1024)}… (5000 characters)`);
  });
});

function collect(level: LogLevel): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const log = openLog({ level, write: (line) => lines.push(line), nowMs: () => 1000 });
  return { log, lines };
}
