/**
 * A GNSS receiver of a lab, on a serial line whose path stays the same however often it is plugged
 * in. Each second of its own clock, which shows the truth and what is done to it, it tells that the
 * second is over: soon after it, or not at all. Its identity it tells when it is polled.
 */
import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { GnssSplitter } from '@kudurru/proof';

import { ubxPoll } from '../../daemon/proof/test/support/gnss-encode.ts';
import {
  receiverEpoch,
  receiverIdentity,
  type ReceiverScript,
} from '../../daemon/proof/test/support/scripted-receiver.ts';
import { GnssPlayer } from '../backends/gnss-player.ts';
import type { Clocks, LabClock } from './clocks.ts';
import { asSoon } from './lab-process.ts';

const nsPerMs = 1_000_000n;
const nsPerS = 1000n * nsPerMs;
/** After the second that it names. A message that a busy machine would send later is not sent. */
const earliestNs = nsPerMs;
const latestNs = 20n * nsPerMs;
/** What can be pinned: with what passes between the last look at the clock and the line. */
export const RECEIVER_LATENCY_MAX_NS = 40n * nsPerMs;

export interface NewReceiver {
  readonly clocks: Clocks;
  /** The path of its line is in here. */
  readonly folder: string;
}

export class GnssReceiver {
  /** The serial line that a reader opens. */
  readonly path: string;
  /** Of the receiver itself: what moves it is a lie. */
  readonly clock: LabClock;
  readonly #clocks: Clocks;
  #player: GnssPlayer | null = null;
  #playing: Promise<void> = Promise.resolve();
  #script: ReceiverScript = {};
  #receiverId: Uint8Array | undefined;
  #isStalled = false;
  #polls = 0;

  private constructor(clocks: Clocks, clock: LabClock, path: string) {
    this.#clocks = clocks;
    this.clock = clock;
    this.path = path;
  }

  /** One that is not plugged in. */
  static async make({ clocks, folder }: NewReceiver): Promise<GnssReceiver> {
    const clock = await clocks.newClock({ scale: 'tai', followsTruth: true });
    return new GnssReceiver(clocks, clock, join(folder, 'gnss'));
  }

  /** How often it was asked who it is. */
  get polls(): number {
    return this.#polls;
  }

  /** From the next second on it says this of itself and of the sky; nothing is a healthy one. */
  tell(script: Omit<ReceiverScript, 'receiverId'>): void {
    this.#script = script;
  }

  /** It goes on, and says nothing. */
  stall(): void {
    this.#isStalled = true;
  }

  resume(): void {
    this.#isStalled = false;
  }

  /** `receiverId`: it is this one, and not the scripted one. */
  async plugIn(receiverId?: Uint8Array): Promise<void> {
    if (this.#player !== null) throw new Error('the receiver is plugged in');
    this.#receiverId = receiverId;
    const splitter = new GnssSplitter();
    const hear = (bytes: Uint8Array): void => this.#hear(player, splitter.push(bytes));
    const player = await GnssPlayer.plugIn(hear, asSoon());
    this.#player = player;
    symlinkSync(player.path, `${this.path}.new`);
    renameSync(`${this.path}.new`, this.path);
    this.#playing = this.#play(player);
  }

  /** Its path is gone with it. Safe to call twice. */
  async unplug(): Promise<void> {
    rmSync(this.path, { force: true });
    await this.#player?.unplug();
    await this.#playing;
    this.#player = null;
  }

  async #play(player: GnssPlayer): Promise<void> {
    while (!player.isUnplugged) {
      const { rawNs, offsetNs } = await this.clock.truthOffset();
      const nowNs = this.#clocks.truthAt(rawNs) + offsetNs;
      const secondNs = (nowNs / nsPerS + 1n) * nsPerS;
      const overRawNs = rawNs + secondNs - nowNs;
      const epoch = receiverEpoch(secondNs, { ...this.#script, receiverId: null });
      await player.sendAt(
        { firstRawNs: overRawNs + earliestNs, lastRawNs: overRawNs + latestNs },
        Buffer.concat(this.#isStalled ? [] : epoch),
      );
    }
  }

  #hear(player: GnssPlayer, pieces: ReturnType<GnssSplitter['push']>): void {
    const poll = Buffer.from(ubxPoll('sec-uniqid'));
    for (const { bytes } of pieces) {
      if (!poll.equals(bytes) || this.#isStalled) continue;
      this.#polls += 1;
      void player.send(receiverIdentity(this.#receiverId));
    }
  }
}
