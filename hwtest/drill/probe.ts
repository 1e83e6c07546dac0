/**
 * Believes what the formulas of proof make of a live ptp4l: asks it over its management socket, on
 * the client's clock, and computes from the frames what a verifier would.
 */
import { join } from 'node:path';

import { readClock } from '@kudurru/native';
import {
  decodeHex,
  encodeHex,
  encodePtpGet,
  LEAP_TABLE,
  type PtpManagementName,
  readSegment,
  recompute,
  type Segment,
  type SourceVerdict,
  taiMinusUtcSeconds,
  TIME_LEVELS,
  type TimeEvidenceInput,
  type TimeFrame,
  type TimeProfile,
} from '@kudurru/proof';

import { compile } from '../backends/compile.ts';
import { LabProcess } from '../lab/lab-process.ts';
import type { Believed } from './drill.ts';
import { labProfile } from './lab-profile.ts';
import type { Computed } from './recording.ts';
import type { Believer, Stage } from './stage.ts';

const nsPerMs = 1_000_000n;
const nsPerS = 1_000_000_000n;
const askEveryMs = 250;
const computeEveryMs = 1000;
/** Enough for the profile's window and for a delay filter that fills. */
const keptNs = 7n * nsPerS;

const asked: readonly PtpManagementName[] = [
  'TIME_STATUS_NP',
  'CURRENT_DATA_SET',
  'PARENT_DATA_SET',
  'TIME_PROPERTIES_DATA_SET',
  'PORT_DATA_SET',
  'PORT_STATS_NP',
];
const source = { clockIdentity: '4b5544555252550a', portNumber: 1 };

interface MadeProbe {
  readonly profile: TimeProfile;
  readonly process: LabProcess;
  readonly take: (computed: Computed) => void;
}

export class Probe implements Believer {
  readonly #profile: TimeProfile;
  readonly #process: LabProcess;
  readonly #take: (computed: Computed) => void;
  readonly #timers: NodeJS.Timeout[] = [];
  #frames: TimeFrame[] = [];
  #sequenceId = 0;
  #base: Segment | null = null;
  #inForce: Segment | null = null;
  #verdicts: readonly string[] = [];
  #lastTaiNs = 0n;

  private constructor(made: MadeProbe) {
    this.#profile = made.profile;
    this.#process = made.process;
    this.#take = made.take;
  }

  /** `take` is told of every computation. */
  static async start(stage: Stage, take: (computed: Computed) => void): Promise<Probe> {
    const { lab } = stage;
    const sources = [new URL('ptp-probe.c', import.meta.url)];
    const program = compile({ name: 'ptp-probe', kind: 'program', sources });
    const words = [program, lab.client.socket, join(lab.folder, 'probe.sock')];
    const process = new LabProcess(words, { environment: lab.clientClock.environment });
    const probe = new Probe({ profile: await labProfile(stage), process, take });
    process.onLine((line) => probe.#keep(line));
    probe.#timers.push(
      setInterval(() => probe.#ask(), askEveryMs),
      setInterval(() => probe.#compute(), computeEveryMs),
    );
    return probe;
  }

  async readings(): Promise<readonly Believed[]> {
    if (this.#inForce === null) return [];
    const rawNs = readClock().monotonicRawNs;
    const reading = readSegment(this.#inForce, rawNs, this.#lastTaiNs);
    this.#lastTaiNs = reading.taiNs;
    return [{ rawNs, ...reading, verdicts: this.#verdicts }];
  }

  async end(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#process.end();
  }

  #ask(): void {
    for (const name of asked) {
      this.#sequenceId = (this.#sequenceId + 1) % 0x1_0000;
      const head = { domainNumber: 0, source, sequenceId: this.#sequenceId };
      this.#process.say(encodeHex(encodePtpGet(head, name)));
    }
  }

  #keep(line: string): void {
    const words = line.split(' ');
    const isSent = words[0] !== '-';
    const [before = '', clock = '', after = '', hex = ''] = isSent ? words : words.slice(1);
    this.#frames.push({
      source: 0,
      kind: isSent ? 'ptp-management' : 'note',
      rawBeforeNs: BigInt(before),
      rawAfterNs: BigInt(after),
      clockNs: BigInt(clock),
      bytes: isSent ? decodeHex(hex) : new TextEncoder().encode('socket-gone'),
    });
  }

  #compute(): void {
    const since = readClock().monotonicRawNs - keptNs;
    this.#frames = this.#frames.filter(({ rawAfterNs }) => rawAfterNs >= since);
    if (this.#frames.length === 0) return;
    const input: TimeEvidenceInput = {
      profile: this.#profile,
      raw: { version: 2, frames: this.#frames },
      taiMinusUtcSeconds: taiMinusUtcSeconds(BigInt(Date.now()) * nsPerMs),
      leapListExpiryUnixSeconds: LEAP_TABLE.expiresUnixSeconds,
      base: this.#base,
      isInAnchor: false,
    };
    const computation = recompute(input);
    this.#take({ input, computation });
    const { segment, verdicts } = computation;
    if (TIME_LEVELS.indexOf(segment.level) >= TIME_LEVELS.indexOf('LOCKED')) this.#base = segment;
    this.#inForce = segment;
    this.#verdicts = verdicts.map((verdict) => this.#words(verdict));
  }

  #words({ source: place, state, problems }: SourceVerdict): string {
    const why = problems.length === 0 ? '' : ` (${problems.join(' ')})`;
    return `${this.#profile.sources[place]?.id}: ${state}${why}`;
  }
}
