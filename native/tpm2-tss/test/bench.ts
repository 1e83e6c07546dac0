/** A TPM for one test file: swtpm in a folder of its own, a fresh connection for each test. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { after, afterEach, before, beforeEach } from 'mocha';

import { type RunningSwtpm, startSwtpm } from '../../../hwtest/backends/swtpm.ts';
import { type ObjectHandle, Tpm, TpmError, constants, templates } from '../lib/index.ts';

export interface Bench {
  readonly swtpm: RunningSwtpm;
  readonly folder: string;
  readonly tpm: Tpm;
  /** A storage root key in the owner's hierarchy. */
  makeRoot(): Promise<ObjectHandle>;
  /** Runs `work` on a connection whose commands and answers are recorded; gives the record. */
  capture(work: (watched: Tpm) => Promise<void>): Promise<Buffer>;
}

/** Registers the hooks of the suite that is being described; what it gives is for its tests. */
export function useTpm(): () => Bench {
  let folder: string;
  let swtpm: RunningSwtpm;
  let tpm: Tpm;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    swtpm = await startSwtpm(folder);
  });
  after(async () => {
    await swtpm.stop();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    tpm = await Tpm.open(swtpm.tcti);
  });
  afterEach(async () => {
    tpm.close();
    tpm = await Tpm.open(swtpm.tcti);
    await tpm.platform.flushLeftovers();
    tpm.close();
  });
  return () => ({ swtpm, folder, tpm, makeRoot: () => makeRoot(tpm), capture });

  async function capture(work: (watched: Tpm) => Promise<void>): Promise<Buffer> {
    const file = join(folder, 'bus.pcap');
    rmSync(file, { force: true });
    process.env['TCTI_PCAP_FILE'] = file;
    const watched = await Tpm.open(`pcap:${swtpm.tcti}`);
    try {
      await work(watched);
    } finally {
      watched.close();
    }
    return readFileSync(file);
  }
}

export async function makeRoot(tpm: Tpm): Promise<ObjectHandle> {
  const template = { publicArea: templates.storageRootKeyTemplate };
  return (await tpm.keys.createPrimary(constants.hierarchy.owner, template)).key;
}

export function digest(data: string | Uint8Array): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(data).digest());
}

/** For assert.rejects: the TPM refused with this code. */
export function refusedWith(code: number): (error: unknown) => boolean {
  return (error) =>
    error instanceof TpmError &&
    error.failure === 'refused' &&
    error.isTpmCode(code) &&
    !error.mayHaveChanged;
}
