import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Tpm } from '@kudurru/tpm2-tss';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { isKudurruError } from '../../daemon/src/base/errors.ts';
import { killOwner, startOwner } from '../devices/owned-process.ts';
import { isGone, suspendProcess } from './process-state.ts';
import { startSwtpm } from './swtpm.ts';

describe('software TPM', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kudurru-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps its state over a stop and a start, and was shut down in order', async () => {
    const first = await startSwtpm(folder);
    const before = await readClock(first.tcti);
    await first.stop();
    await first.stop();
    assert(await isGone(first.pid));
    const second = await startSwtpm(folder);
    const after = await readClock(second.tcti);
    await second.stop();
    assert.equal(after.resetCount, before.resetCount + 1);
    assert(after.safe);
  });

  it('is readable by its owner only', async () => {
    const tpm = await startSwtpm(folder);
    for (const name of ['tpm', 'ca', 'tpm.sock', 'tpm.sock.ctrl']) {
      assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
    }
    await tpm.stop();
  });

  it('begins again where its making was interrupted', async () => {
    mkdirSync(join(folder, 'tpm.new'));
    writeFileSync(join(folder, 'tpm.new', 'tpm2-00.permall'), 'half a TPM');
    const tpm = await startSwtpm(folder);
    await tpm.stop();
    assert.notEqual(readFileSync(join(folder, 'tpm', 'tpm2-00.permall'), 'latin1'), 'half a TPM');
  });

  it('ends when its owner is killed, even while it is stuck', async () => {
    const owned = await startOwner({ swtpm: folder });
    await suspendProcess(owned.pid);
    await killOwner(owned);
    assert(await isGone(owned.pid));
    const next = await startSwtpm(folder);
    await next.stop();
  });

  it('has one owner', async () => {
    const tpm = await startSwtpm(folder);
    await assert.rejects(startSwtpm(folder), (error) =>
      isKudurruError(error, 'device-emulator-failed'),
    );
    await readClock(tpm.tcti);
    await tpm.stop();
  });

  it('refuses a folder whose sockets the kernel would not take', async () => {
    const deep = join(folder, 'x'.repeat(100));
    await assert.rejects(startSwtpm(deep), (error) =>
      isKudurruError(error, 'socket-path-too-long'),
    );
  });

  it('says that swtpm did not start', async () => {
    const tpm = await startSwtpm(folder);
    await tpm.stop();
    writeFileSync(join(folder, 'tpm', 'tpm2-00.permall'), 'not a TPM');
    await assert.rejects(startSwtpm(folder), (error) =>
      isKudurruError(error, 'device-emulator-failed'),
    );
  });
});

async function readClock(tcti: string): Promise<{ resetCount: number; safe: boolean }> {
  const tpm = await Tpm.open(tcti);
  try {
    return await tpm.platform.readClock();
  } finally {
    tpm.close();
  }
}
