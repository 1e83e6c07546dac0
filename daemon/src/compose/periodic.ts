/** Work that comes round: it never overlaps itself, and ends with the daemon. */

export class Periodic {
  readonly #run: () => void;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | null = null;
  /** It was asked for out of turn; until its next turn it is not again. */
  #isSoon = false;

  constructor(everyMs: number, work: () => Promise<void>, fail: (error: unknown) => void) {
    this.#run = () => {
      if (this.#running !== null) return;
      this.#running = work()
        .catch(fail)
        .finally(() => {
          this.#running = null;
        });
    };
    this.#timer = setInterval(() => {
      this.#isSoon = false;
      this.#run();
    }, everyMs);
  }

  /** At once, but not while it is under way, and once in a turn: then it is the next turn's. */
  soon(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    this.#run();
  }

  /** Resolves when what was under way has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
