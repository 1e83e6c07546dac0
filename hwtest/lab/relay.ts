/** The wire between a station and the switch (relay.c): delay and loss, in each direction. */
import { compile } from '../backends/compile.ts';
import { LabProcess } from './lab-process.ts';
import type { Network, Station } from './network.ts';

/** IEEE 1588-2008 table 19, and all else. */
const messageBits = {
  sync: 0,
  'delay-request': 1,
  'follow-up': 8,
  'delay-response': 9,
  announce: 11,
  management: 13,
  'not-ptp': 16,
} as const;

export type WireMessage = keyof typeof messageBits;
/** As the station sees it. */
export type Direction = 'inbound' | 'outbound';

const allBits = 0x1_ffff;

export class Relay {
  readonly #process: LabProcess;

  private constructor(process: LabProcess) {
    this.#process = process;
  }

  static async start(network: Network, station: Station): Promise<Relay> {
    if (station.cut === null) throw new Error('the wire of this station is not cut');
    const sources = [new URL('relay.c', import.meta.url)];
    const program = compile({ name: 'relay', kind: 'program', sources });
    const { a, b } = station.cut;
    const relay = new Relay(new LabProcess([program, a, b], { namespacePid: network.switchPid }));
    await relay.#expectOk(relay.#process.nextLine());
    return relay;
  }

  get pid(): number {
    return this.#process.pid;
  }

  async delay(direction: Direction, ns: bigint): Promise<void> {
    await this.#order(direction, `delay ${ns}`);
  }

  /** From now on these are lost, and no others. */
  async drop(direction: Direction, messages: readonly WireMessage[] | 'all'): Promise<void> {
    const mask =
      messages === 'all'
        ? allBits
        : messages.reduce((bits, message) => bits | (1 << messageBits[message]), 0);
    await this.#order(direction, `drop ${mask}`);
  }

  async end(): Promise<void> {
    await this.#process.end();
  }

  async #order(direction: Direction, what: string): Promise<void> {
    const way = direction === 'inbound' ? 'to-b' : 'to-a';
    await this.#expectOk(this.#process.ask(`${way} ${what}`));
  }

  async #expectOk(answer: Promise<string>): Promise<void> {
    const said = await answer;
    if (said !== 'ok') throw new Error(`the relay answered '${said}'`);
  }
}
