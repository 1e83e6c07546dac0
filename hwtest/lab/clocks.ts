/**
 * The clocks of a lab (clock-file.h): the truth, and a system clock for each group of processes.
 * Nothing here touches the clock of the host.
 */
import { compile } from '../backends/compile.ts';
import { LabProcess } from './lab-process.ts';

const nsPerS = 1_000_000_000n;
const pptPerWhole = 1_000_000_000_000n;
const pptPerPpb = 1000n;
/** CLOCK_COUNT_MAX. */
const clocksMax = 8;

interface TruthLine {
  readonly rawNs: bigint;
  readonly taiNs: bigint;
  readonly ratePpt: bigint;
}

/** One clock, as the lab sees it. */
export interface LabClock {
  /** For the processes whose CLOCK_REALTIME it is. */
  readonly environment: Readonly<Record<string, string>>;
  /** Added to the environment of others: for those of them with this word in their command line. */
  environmentOf(word: string): Readonly<Record<string, string>>;
  /** How far ahead of what it ought to show it is, at this moment, and the moment. */
  truthOffset(): Promise<{ readonly rawNs: bigint; readonly offsetNs: bigint }>;
  truthOffsetNs(): Promise<bigint>;
  /** Sets it, as a hand would. */
  step(ns: bigint): Promise<void>;
  /** From now on it runs so much faster than its own adjustments say. */
  drift(ppb: bigint): Promise<void>;
  /** Times it was set since the lab began. */
  steps(): Promise<bigint>;
}

export interface NewClock {
  readonly scale: 'utc' | 'tai';
  /** `true`: the clock of a grandmaster, which shows the truth and what is done to it. */
  readonly followsTruth?: boolean;
}

export class Clocks {
  readonly #file: string;
  readonly #control: LabProcess;
  readonly #utcOffsetS: bigint;
  readonly #truth: TruthLine[] = [];
  #count = 0;

  private constructor(file: string, control: LabProcess, utcOffsetS: bigint) {
    this.#file = file;
    this.#control = control;
    this.#utcOffsetS = utcOffsetS;
  }

  /** `file` must not be there yet. */
  static async make(file: string, taiNs: bigint, utcOffsetS: bigint): Promise<Clocks> {
    const program = compile({
      name: 'clock-control',
      kind: 'program',
      sources: sourcesOf('clock-control.c'),
    });
    const control = new LabProcess([program, file, String(taiNs)]);
    const clocks = new Clocks(file, control, utcOffsetS);
    clocks.#addTruth(await control.nextLine());
    return clocks;
  }

  get pid(): number {
    return this.#control.pid;
  }

  async newClock({ scale, followsTruth = false }: NewClock): Promise<LabClock> {
    const number = this.#count;
    if (number === clocksMax) throw new Error(`a lab has ${clocksMax} clocks`);
    this.#count += 1;
    const behindNs = scale === 'utc' ? this.#utcOffsetS * nsPerS : 0n;
    await this.#order(`step ${number} ${-behindNs}`);
    if (followsTruth) await this.#order(`follow-truth ${number}`);
    const read = async (): Promise<bigint[]> => {
      return numbersOf(await this.#control.ask(`read ${number}`), 4);
    };
    const truthOffset = async (): ReturnType<LabClock['truthOffset']> => {
      const [rawNs = 0n, taiNs = 0n, shownNs = 0n] = await read();
      return { rawNs, offsetNs: shownNs + behindNs - taiNs };
    };
    return {
      environment: {
        LD_PRELOAD: virtualClockLibrary(),
        VIRTUAL_CLOCK_FILE: this.#file,
        VIRTUAL_CLOCK: String(number),
      },
      environmentOf: (word) => ({ VIRTUAL_CLOCK_OF: `${number} ${word}` }),
      truthOffset,
      truthOffsetNs: async () => (await truthOffset()).offsetNs,
      step: async (ns) => this.#order(`step ${number} ${ns}`),
      drift: async (ppb) => this.#order(`error ${number} ${ppb * pptPerPpb}`),
      steps: async () => (await read())[3] ?? 0n,
    };
  }

  /** The TAI that it truly was at a reading of CLOCK_MONOTONIC_RAW. */
  truthAt(rawNs: bigint): bigint {
    const line = this.#truth.findLast((each) => each.rawNs <= rawNs) ?? this.#truth[0];
    if (line === undefined) throw new Error('the lab has no truth yet');
    const passedNs = rawNs - line.rawNs;
    return line.taiNs + passedNs + (passedNs * line.ratePpt) / pptPerWhole;
  }

  /** From now on this machine's oscillator, CLOCK_MONOTONIC_RAW, runs so much too fast. */
  async driftOscillator(ppb: bigint): Promise<void> {
    // The oscillator is what it is here: the truth moves against it.
    this.#addTruth(await this.#control.ask(`truth-rate ${-ppb * pptPerPpb}`));
  }

  /**
   * The machine was asleep for so long: it is so much later, the kernel set the clocks as it woke,
   * and CLOCK_MONOTONIC_RAW, which is the host's, did not count it.
   */
  async suspend(ns: bigint): Promise<void> {
    this.#addTruth(await this.#control.ask(`suspend ${ns}`));
  }

  async end(): Promise<void> {
    await this.#control.end();
  }

  #addTruth(answer: string): void {
    const [rawNs = 0n, taiNs = 0n, ratePpt = 0n] = numbersOf(answer, 3);
    this.#truth.push({ rawNs, taiNs, ratePpt });
  }

  async #order(line: string): Promise<void> {
    const answer = await this.#control.ask(line);
    if (answer !== 'ok') throw new Error(`clock-control answered '${answer}' to '${line}'`);
  }
}

function virtualClockLibrary(): string {
  const sources = sourcesOf('virtual-clock.c');
  return compile({ name: 'virtual-clock', kind: 'preload-library', sources });
}

function sourcesOf(file: string): URL[] {
  return [file, 'clock-file.c'].map((name) => new URL(name, import.meta.url));
}

function numbersOf(answer: string, count: number): bigint[] {
  const words = answer.split(' ');
  if (words.length !== count) throw new Error(`clock-control answered '${answer}'`);
  return words.map((word) => BigInt(word));
}
