/**
 * What a scenario needs around the real daemon: an appliance in a folder of its own, questions to
 * its control socket, and the check at the end that its files are whole.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { Action } from '@kudurru/agent';
import {
  decodeBase64,
  decodeEntry,
  trustPolicyFromJson,
  type Entry,
  type EntryKind,
  type Json,
  type TrustPolicy,
} from '@kudurru/proof';

import type { StatusView } from '../../daemon/src/control/views.ts';
import { Appliance, type DaemonOptions } from '../backends/appliance.ts';
import { askControl, askJson, enrolAgent, type EnrolledAgent } from '../backends/control.ts';

/** A start makes keys in a software TPM; a loaded machine takes its time. */
export const scenarioTimeoutMs = 180_000;

export const commandProgram = fileURLToPath(
  new URL('../../daemon/cli/kudurru.ts', import.meta.url),
);
const pollMs = 50;

/** A fresh folder with a short path, as the sockets in it need. */
export function makeScratchFolder(): string {
  return mkdtempSync(join(tmpdir(), 'kudurru-scenario-'));
}

export class Scenario {
  readonly appliance: Appliance;
  readonly #folder: string;

  private constructor(folder: string, appliance: Appliance) {
    this.#folder = folder;
    this.appliance = appliance;
  }

  /** Devices only; a blank token is for `kudurru provision` to initialise. */
  static async prepare(token: 'initialised' | 'blank' = 'initialised'): Promise<Scenario> {
    const folder = makeScratchFolder();
    try {
      return new Scenario(folder, await Appliance.prepare(join(folder, 'state'), token));
    } catch (error) {
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  static async start(options: DaemonOptions = {}): Promise<Scenario> {
    const scenario = await Scenario.prepare();
    try {
      await scenario.appliance.start(options);
      return scenario;
    } catch (error) {
      await scenario.end();
      throw error;
    }
  }

  /** Stops what runs and removes the folder. */
  async end(): Promise<void> {
    await this.appliance.stop();
    rmSync(this.#folder, { recursive: true });
  }

  async enrol(name: string): Promise<EnrolledAgent> {
    return enrolAgent(this.appliance.controlSocket, name);
  }

  async status(): Promise<StatusView> {
    return askJson<StatusView>(this.appliance.controlSocket, '/v1/status');
  }

  async size(): Promise<bigint> {
    return BigInt((await this.status()).size);
  }

  async entry(index: bigint): Promise<Entry> {
    const path = `/v1/entries/${index}`;
    const { bytes } = await askJson<{ bytes: string }>(this.appliance.controlSocket, path);
    return decodeEntry(decodeBase64(bytes));
  }

  /** All entries of a kind from `first` on, in their order. */
  async entriesOf(kind: EntryKind, first = 0n): Promise<Entry[]> {
    return (await this.entriesSince(first)).filter((entry) => entry.kind === kind);
  }

  async entriesSince(first: bigint): Promise<Entry[]> {
    const found: Entry[] = [];
    const size = await this.size();
    for (let index = first; index < size; index++) found.push(await this.entry(index));
    return found;
  }

  async policy(): Promise<TrustPolicy> {
    return policyOf(this.appliance.controlSocket);
  }

  async bundle(index: bigint): Promise<Uint8Array> {
    return bundleOf(this.appliance.controlSocket, index);
  }

  async until(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) await sleep(pollMs);
  }

  /** `kudurru fsck` finds nothing wrong. */
  async requireWhole(): Promise<void> {
    await checkFiles(this.appliance.state);
  }
}

/** The daemon's own policy, cut down to what emulated devices and an unchecked clock can show. */
export async function policyOf(controlSocket: string): Promise<TrustPolicy> {
  const exported = trustPolicyFromJson(await askJson<Json>(controlSocket, '/v1/trust-policy'));
  return { ...exported, acceptLabels: ['emulated'], minimumTimeLevel: 'UNKNOWN' };
}

/** The evidence bundle of an entry; the daemon anchors it first where that is due. */
export async function bundleOf(controlSocket: string, index: bigint): Promise<Uint8Array> {
  const subject = { index: Number(index), disclose: true };
  const { status, bytes } = await askControl(controlSocket, '/v1/bundles', subject);
  assert.equal(status, 200, bytes.toString());
  return new Uint8Array(bytes);
}

/** `kudurru fsck` over a state folder. @throws Error with what it found */
export async function checkFiles(state: string): Promise<void> {
  const words = [commandProgram, 'fsck', '--state', state, '--json'];
  try {
    await promisify(execFile)(process.execPath, words, { maxBuffer: 2 ** 24 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`kudurru fsck: ${stdout}${stderr}`, { cause: error });
  }
}

/** Entries that the daemon makes of itself while nothing happens. */
const ownKinds: ReadonlySet<EntryKind> = new Set(['anchor', 'counter-anchor', 'refusal-summary']);

/** Does `act`, and requires that the ledger holds nothing of it. */
export async function requireNothingLeft(
  scenario: Scenario,
  act: () => Promise<void>,
): Promise<void> {
  const before = await scenario.size();
  await act();
  const kinds = (await scenario.entriesSince(before)).map(({ kind }) => kind);
  assert.deepEqual(
    kinds.filter((kind) => !ownKinds.has(kind)),
    [],
  );
}

/** One action with a private input. */
export function someAction(label: string): Action {
  return {
    kind: 'observation',
    actionType: 'decision',
    operation: 'test/scenario',
    coverage: 'self-reported',
    private: { input: label },
  };
}
