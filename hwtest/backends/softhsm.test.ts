import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, it } from 'mocha';

import { isKudurruError } from '../../daemon/src/base/errors.ts';
import { prepareSofthsm } from './softhsm.ts';

describe('software token', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kudurru-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is made once, with PINs of its own that its owner alone can read', async () => {
    const first = await prepareSofthsm(folder, 'kudurru');
    const pin = readFileSync(first.pinFile, 'utf8');
    assert.match(pin, /^[0-9a-f]{32}\n$/);
    assert.notEqual(readFileSync(`${first.pinFile}-officer`, 'utf8'), pin);
    for (const name of readdirSync(folder)) {
      assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
    }
    assert.deepEqual(await prepareSofthsm(folder, 'kudurru'), first);
    assert.equal(readFileSync(first.pinFile, 'utf8'), pin);
  });

  it('begins again where its making was interrupted', async () => {
    mkdirSync(join(folder, 'token.new', 'half'), { recursive: true });
    const token = await prepareSofthsm(folder, 'kudurru');
    assert.equal(readdirSync(join(folder, 'token')).length, 1);
    assert.equal(token.tokenLabel, 'kudurru');
  });

  it('takes a label of the full 32 characters, and refuses a longer one', async () => {
    const full = await prepareSofthsm(join(folder, 'full'), 'x'.repeat(32));
    assert.equal(full.tokenLabel.length, 32);
    await assert.rejects(prepareSofthsm(join(folder, 'long'), 'x'.repeat(33)), (error) =>
      isKudurruError(error, 'device-emulator-failed'),
    );
  });
});
