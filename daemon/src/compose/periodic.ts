/** Work that comes round: it never overlaps itself, and ends with the daemon. */

export class Periodic {
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | null = null;

  constructor(everyMs: number, work: () => Promise<void>, fail: (error: unknown) => void) {
    this.#timer = setInterval(() => {
      if (this.#running !== null) return;
      this.#running = work()
        .catch(fail)
        .finally(() => {
          this.#running = null;
        });
    }, everyMs);
  }

  /** Resolves when what was under way has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
