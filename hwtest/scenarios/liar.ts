/**
 * The whole daemon replaced by one that lies but has the same TPM and token: whatever root on the
 * box can have them do. It keeps as many logs as it likes, and anchors each as it likes. What its
 * devices sign is real, and nothing that it does is refused here: who reads what it made must
 * notice.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readClock } from '@kudurru/native';
import {
  applianceIdOf,
  CHECKPOINT_PATH,
  decodeApplianceDocument,
  decodeEntry,
  decodeProvisioningRecord,
  ledgerIdOf,
  p256PointOfSpki,
  parseCheckpoint,
  parseVerifierKey,
  TileReader,
} from '@kudurru/proof';

import { startDeviceHelper, type DeviceHelper } from '../../daemon/devices/client.ts';
import type { CheckpointOptions } from '../../daemon/src/anchor/checkpoints.ts';
import type { AnchorIdentity } from '../../daemon/src/anchor/register-steps.ts';
import { provisionTimeoutMs as timeoutMs } from '../../daemon/src/compose/founding.ts';
import { Clock } from '../../daemon/src/time/clock.ts';
import type { Appliance } from '../backends/appliance.ts';
import { LyingLog } from './lying-log.ts';

interface Takeover {
  readonly helper: DeviceHelper;
  readonly entries: readonly Uint8Array[];
  readonly signing: CheckpointOptions;
  readonly identity: AnchorIdentity;
  readonly anchorPcr: number;
}

export class Liar {
  readonly clock = new Clock({ read: readClock });
  readonly identity: AnchorIdentity;
  readonly anchorPcr: number;
  /** For checkpoints of any log, none of which is kept. */
  readonly signing: CheckpointOptions;
  readonly #helper: DeviceHelper;
  readonly #entries: readonly Uint8Array[];

  private constructor({ helper, entries, signing, identity, anchorPcr }: Takeover) {
    this.#helper = helper;
    this.#entries = entries;
    this.signing = signing;
    this.identity = identity;
    this.anchorPcr = anchorPcr;
  }

  /** In the place of a daemon that was stopped, with the log that it published. */
  static async replace({ state, devices }: Appliance): Promise<Liar> {
    const entries = await readPublished(state);
    const genesis = decodeEntry(entries[0] ?? new Uint8Array());
    if (genesis.kind !== 'genesis') throw new Error('entry 0 is no genesis');
    const { provisioningRecord, applianceDocument, logKey } = genesis;
    const { pcrIndex } = decodeApplianceDocument(applianceDocument);
    if (pcrIndex === null) throw new Error('this appliance extends no PCR');
    const helper = startDeviceHelper(devices.settings);
    const { attestationDevice: device, signingToken: token } = helper;
    const { checkpointKeySpki } = await device.describe(timeoutMs);
    const { origin } = decodeProvisioningRecord(provisioningRecord);
    const key = { algorithm: 'ESP256', bytes: p256PointOfSpki(checkpointKeySpki) } as const;
    const signing = {
      ...{ origin, token, device, deviceTimeoutMs: timeoutMs },
      logKey: parseVerifierKey(logKey),
      applianceKey: { name: `${origin}/appliance/0`, key },
      ledger: { recordCheckpoint: () => Promise.resolve() },
    };
    const ledgerId = ledgerIdOf(provisioningRecord);
    const identity = { ledgerId, applianceId: applianceIdOf(applianceDocument) };
    return new Liar({ helper, entries, signing, identity, anchorPcr: pcrIndex });
  }

  get device(): DeviceHelper['attestationDevice'] {
    return this.#helper.attestationDevice;
  }

  /** One that begins with the first `size` entries of the honest one. */
  log(size: number = this.#entries.length): LyingLog {
    return new LyingLog(this, this.#entries.slice(0, size));
  }

  /** One that begins as `log` stands. */
  logFrom({ entries }: LyingLog): LyingLog {
    return new LyingLog(this, entries);
  }

  async close(): Promise<void> {
    await this.#helper.close();
  }
}

async function readPublished(state: string): Promise<Uint8Array[]> {
  const note = new Uint8Array(await readFile(join(state, CHECKPOINT_PATH)));
  const { size } = parseCheckpoint(note);
  const reader = new TileReader((path) => readFile(join(state, path)), size);
  const entries: Uint8Array[] = [];
  for await (const entry of reader.entries(0n, size)) entries.push(entry);
  return entries;
}
