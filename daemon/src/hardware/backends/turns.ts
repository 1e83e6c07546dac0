/**
 * Whose turn it is: many calls that share what is loaded, or one that has the device to itself. One
 * that waits to be alone holds up those that come after it, and they wait for it alone.
 */
export class Turns {
  readonly #sharing = new Set<Promise<unknown>>();
  #alone: Promise<void> | undefined;

  async shared<Value>(work: () => Promise<Value>): Promise<Value> {
    while (this.#alone !== undefined) await this.#alone;
    const running = work();
    this.#sharing.add(running);
    try {
      return await running;
    } finally {
      this.#sharing.delete(running);
    }
  }

  async alone<Value>(work: () => Promise<Value>): Promise<Value> {
    while (this.#alone !== undefined) await this.#alone;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#alone = promise;
    try {
      await Promise.allSettled(this.#sharing);
      return await work();
    } finally {
      this.#alone = undefined;
      resolve();
    }
  }
}
