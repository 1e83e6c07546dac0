/**
 * The daemon's log lines while the tour speaks: warnings and errors at once, the others after it,
 * so that neither cuts through the other.
 */

/** More would not be read anyway; the first are dropped. */
const LINES_HELD_MAX = 1000;

export class HeldLines {
  readonly #write: (line: string) => void;
  #held: string[] | null = [];
  #dropped = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  take(line: string): void {
    if (this.#held === null || isUrgent(line)) {
      this.#write(line);
      return;
    }
    this.#held.push(line);
    if (this.#held.length <= LINES_HELD_MAX) return;
    this.#held.shift();
    this.#dropped += 1;
  }

  /** From now on every line goes out as it comes. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    if (this.#dropped > 0) this.#write(`(${this.#dropped} older lines are not shown)\n`);
    for (const line of held) this.#write(line);
  }
}

function isUrgent(line: string): boolean {
  const { level } = JSON.parse(line) as { level?: unknown };
  return level === 'warning' || level === 'error';
}
