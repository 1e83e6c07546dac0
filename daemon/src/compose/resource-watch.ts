/**
 * Looks at the room on the disk and at the memory of the queues, once a second. Crossing a mark is
 * an alarm entry, and so is coming back. With too little room submissions are refused, to be tried
 * again later, while the entries of the daemon itself still fit.
 */
import { statfs } from 'node:fs/promises';

import { KudurruError } from '../base/errors.ts';
import { SeldomTold, Watermark } from '../base/watermark.ts';
import type { Settings } from '../config/schema.ts';
import type { AgentDoor } from '../intake/agent-door.ts';

export interface ResourceWatchOptions {
  readonly stateFolder: string;
  readonly settings: Settings;
  readonly intake: Pick<AgentDoor, 'refuseSubmissions' | 'stats'>;
  readonly raiseAlarm: (code: string, message: string) => void;
  readonly nowMs: () => number;
}

export interface AlarmInForce {
  readonly code: string;
  readonly message: string;
}

export const watchEveryMs = 1000;
/** Two entries of a kind of alarm are at least this far apart. */
const alarmEveryMs = 60_000;
const bytesPerMib = 1_048_576;

export class ResourceWatch {
  readonly disk: Watermark;
  readonly queue: Watermark;
  readonly #options: ResourceWatchOptions;
  readonly #diskTold = new SeldomTold(alarmEveryMs);
  readonly #queueTold = new SeldomTold(alarmEveryMs);
  #diskFreeBytes = 0;
  #refuses = false;

  constructor(options: ResourceWatchOptions) {
    const { diskLowMib, diskEnoughMib, queueMib, queueHighPercent, queueLowPercent } =
      options.settings;
    const ofQueue = (percent: number): number => (queueMib * bytesPerMib * percent) / 100;
    this.#options = options;
    this.disk = new Watermark({
      over: diskLowMib * bytesPerMib,
      back: diskEnoughMib * bytesPerMib,
    });
    this.queue = new Watermark({ over: ofQueue(queueHighPercent), back: ofQueue(queueLowPercent) });
  }

  /** As of the last look. */
  get diskFreeBytes(): number {
    return this.#diskFreeBytes;
  }

  inForce(): AlarmInForce[] {
    return [
      ...(this.disk.isOver ? [{ code: 'disk-low', message: this.#diskText() }] : []),
      ...(this.queue.isOver ? [{ code: 'queue-high', message: this.#queueText() }] : []),
    ];
  }

  async look(): Promise<void> {
    const { stateFolder, intake, raiseAlarm, nowMs } = this.#options;
    const { bavail, bsize } = await statfs(stateFolder);
    this.#diskFreeBytes = bavail * bsize;
    this.disk.note(this.#diskFreeBytes);
    this.queue.note(intake.stats().heldBytes);
    this.#refuse();
    if (this.#diskTold.isDue(this.disk.isOver, nowMs())) {
      raiseAlarm(this.disk.isOver ? 'disk-low' : 'disk-enough', this.#diskText());
    }
    if (this.#queueTold.isDue(this.queue.isOver, nowMs())) {
      raiseAlarm(this.queue.isOver ? 'queue-high' : 'queue-normal', this.#queueText());
    }
  }

  #refuse(): void {
    if (this.#refuses === this.disk.isOver) return;
    this.#refuses = this.disk.isOver;
    const why = `submission not accepted: ${this.#diskText()}`;
    this.#options.intake.refuseSubmissions(
      this.#refuses ? new KudurruError('disk-low', why) : null,
    );
  }

  #diskText(): string {
    const { over, back } = this.disk.marks;
    const taken = this.disk.isOver
      ? `submissions are refused from below ${mib(over)} until there are ${mib(back)}`
      : 'submissions are taken';
    return `${mib(this.#diskFreeBytes)} are free on the disk of the state folder; ${taken}`;
  }

  #queueText(): string {
    const { heldBytes } = this.#options.intake.stats();
    const { queueMib, queueTimeMs } = this.#options.settings;
    const state = this.queue.isOver
      ? `agents wait, and what waits ${queueTimeMs} ms is refused`
      : 'agents go on';
    return `submissions hold ${mib(heldBytes)} of ${queueMib} MiB; ${state}`;
  }
}

function mib(sizeBytes: number): string {
  return `${Math.floor(sizeBytes / bytesPerMib)} MiB`;
}
