import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';

import { bodySizeBytesMax } from '../../src/base/limits.ts';
import { readEventLog } from '../../src/compose/event-log.ts';

describe('event log of the firmware', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'kudurru-'))));
  after(() => rmSync(folder, { recursive: true }));

  function missing(path: string): string {
    const found = readEventLog(path);
    return 'missing' in found ? found.missing : assert.fail('there is one');
  }

  it('is read up to the longest body', () => {
    const path = join(folder, 'log');
    for (const size of [1, 70_000, bodySizeBytesMax]) {
      writeFileSync(path, new Uint8Array(size).fill(7));
      assert.deepEqual(readEventLog(path), { bytes: new Uint8Array(size).fill(7) });
    }
    writeFileSync(path, new Uint8Array(bodySizeBytesMax + 1));
    assert.match(missing(path), /more than 262144 bytes/u);
  });

  it('is read from a file that says no size', () => {
    assert('bytes' in readEventLog('/proc/self/status'));
  });

  it('says why there is none', () => {
    assert.equal(missing(''), 'none is configured');
    assert.match(missing(join(folder, 'none')), /cannot be read: ENOENT/u);
    assert.match(missing(folder), /EISDIR/u);
    writeFileSync(join(folder, 'empty'), '');
    assert.match(missing(join(folder, 'empty')), /is empty/u);
  });
});
