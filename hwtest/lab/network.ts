/**
 * The network of a lab: a switch, and stations on it. Each is a network namespace that nothing but
 * a process of the lab holds: it is gone when that is, and every interface with it.
 */
import { runProgram } from '../backends/run-program.ts';
import { inNamespace, LabProcess } from './lab-process.ts';

/** The interface of every station. */
export const STATION_INTERFACE = 'eth0';

export interface Station {
  readonly pid: number;
  readonly address: string;
  /** The interface of the switch that it hangs on. */
  readonly port: string;
  /** Where the wire is cut, for a relay: `a` towards the switch. Null where it is whole. */
  readonly cut: { readonly a: string; readonly b: string } | null;
}

export class Network {
  readonly #holders: LabProcess[] = [];
  #switch = 0;
  #stations = 0;

  static async make(): Promise<Network> {
    const network = new Network();
    network.#switch = await network.#namespace();
    await network.#ip(
      network.#switch,
      'link add bridge type bridge mcast_snooping 0 forward_delay 0',
    );
    await network.#ip(network.#switch, 'link set bridge up');
    return network;
  }

  /** Of the switch, where the relays are. */
  get switchPid(): number {
    return this.#switch;
  }

  pids(): number[] {
    return this.#holders.map(({ pid }) => pid);
  }

  /** A station; with `cut`, its frames pass only where a relay moves them. */
  async station(options: { readonly cut?: boolean } = {}): Promise<Station> {
    const pid = await this.#namespace();
    this.#stations += 1;
    const number = this.#stations;
    const port = `port${number}`;
    const address = `10.99.0.${number}`;
    const mac = `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
    const far = options.cut === true ? `far${number}` : port;
    const peer = `peer name ${far} netns ${this.#switch}`;
    await this.#ip(pid, `link add ${STATION_INTERFACE} address ${mac} type veth ${peer}`);
    await this.#ip(pid, `addr add ${address}/24 dev ${STATION_INTERFACE}`);
    await this.#ip(pid, `link set ${STATION_INTERFACE} up`);
    await this.#ip(this.#switch, `link set ${far} up`);
    const near = `near${number}`;
    if (options.cut === true) {
      await this.#ip(this.#switch, `link add ${port} type veth peer name ${near}`);
      await this.#ip(this.#switch, `link set ${near} up`);
    }
    await this.#ip(this.#switch, `link set ${port} master bridge up`);
    return { pid, address, port, cut: options.cut === true ? { a: near, b: far } : null };
  }

  /** Pulls a station's cable out of the switch, or puts it back. */
  async setPort(station: Station, state: 'up' | 'down'): Promise<void> {
    await this.#ip(this.#switch, `link set ${station.port} ${state}`);
  }

  async end(): Promise<void> {
    await Promise.all(this.#holders.map(async (holder) => holder.end('SIGKILL')));
  }

  async #namespace(): Promise<number> {
    const script = 'ip link set lo up && echo made && exec sleep infinity';
    const holder = new LabProcess(['unshare', '--net', 'sh', '-c', script]);
    this.#holders.push(holder);
    await holder.nextLine();
    return holder.pid;
  }

  async #ip(pid: number, words: string): Promise<void> {
    const [program = '', ...rest] = [...inNamespace(pid), 'ip', ...words.split(' ')];
    await runProgram(program, rest);
  }
}
