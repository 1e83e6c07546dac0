/** A point on the monotonic clock that the commands of one device call share. */
import { DeviceError } from './device-error.ts';

export class Deadline {
  readonly #atMs: number;
  readonly #what: string;

  /** `what` names the call, for the message: 'increment of the counter'. */
  constructor(timeoutMs: number, what: string) {
    this.#atMs = performance.now() + timeoutMs;
    this.#what = what;
  }

  /** 0 where it has passed. */
  get leftMs(): number {
    return Math.max(0, Math.ceil(this.#atMs - performance.now()));
  }

  /** At least 1. @throws DeviceError `device-deadline-exceeded` */
  remainingMs(): number {
    const { leftMs } = this;
    if (leftMs > 0) return leftMs;
    throw new DeviceError(
      'device-deadline-exceeded',
      `${this.#what} not done: its deadline passed before the next command was sent`,
    );
  }
}
