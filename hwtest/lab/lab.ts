/**
 * A lab: a network of its own, stock ptp4l on clocks of its own, and one client whose wire passes a
 * relay. The host's clock is never set. Everything ends with the process that made it; a folder
 * that one killed left behind is removed by the next.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type DatagramSocket, readClock } from '@kudurru/native';
import { taiOfUtc } from '@kudurru/proof';

import { Clocks, type LabClock } from './clocks.ts';
import { GnssReceiver } from './gnss-receiver.ts';
import { Grandmaster, type GrandmasterSettings, LOCKED_GRANDMASTER } from './grandmaster.ts';
import { putImpostor } from './intruders.ts';
import { type Linuxptp, STOCK_LINUXPTP } from './linuxptp.ts';
import { Network, type Station } from './network.ts';
import { CLIENT_SETTINGS, Ptp4l, type Ptp4lSettings } from './ptp4l.ts';
import { Relay } from './relay.ts';

export interface LabOptions {
  /** When the lab begins. Default: now. */
  readonly utcMs?: number;
  /** Of the client. */
  readonly linuxptp?: Linuxptp;
  readonly clientSettings?: Ptp4lSettings;
}

export interface GrandmasterOptions {
  readonly name: string;
  readonly priority1?: number;
  readonly settings?: Partial<GrandmasterSettings>;
  /** Of PTP: others do not hear it. Default 0. */
  readonly domain?: number;
}

/** A ptp4l on a network card of the appliance's that has a clock of its own. */
export interface OtherClient {
  readonly ptp4l: Ptp4l;
  readonly clock: LabClock;
}

const prefix = 'kudurru-lab-';
const nsPerMs = 1_000_000n;
const nsPerS = 1_000_000_000n;

/** Why no lab can be had here, or null. */
export function labRefusal(): string | null {
  if (process.getuid?.() !== 0) return 'a lab needs root, for its network namespaces';
  for (const [what, ...words] of probes) {
    const { status } = spawnSync(words[0] ?? '', words.slice(1), { stdio: 'ignore' });
    if (status !== 0) return `a lab needs ${what}`;
  }
  return null;
}

const probes: readonly (readonly [string, ...string[]])[] = [
  ['ptp4l (Debian package linuxptp)', 'ptp4l', '-v'],
  ['ip (Debian package iproute2)', 'ip', '-V'],
  ['network namespaces', 'unshare', '--net', 'true'],
  ['veth interfaces and bridges', 'unshare', '--net', 'sh', '-ec', linkProbe()],
];

function linkProbe(): string {
  return 'ip link add one type veth peer name other; ip link add three type bridge';
}

export class Lab {
  readonly folder: string;
  readonly network: Network;
  readonly clocks: Clocks;
  /** Of the client, and of all that shares its clock. */
  readonly clientClock: LabClock;
  readonly clientStation: Station;
  readonly client: Ptp4l;
  readonly relay: Relay;
  /** On a true clock of its own, not plugged in. */
  readonly receiver: GnssReceiver;
  readonly #utcOffsetS: bigint;
  readonly #ptp4ls: Ptp4l[] = [];
  readonly #impostors: DatagramSocket[] = [];

  private constructor(made: MadeLab, client: Ptp4l) {
    this.folder = made.folder;
    this.network = made.network;
    this.clocks = made.clocks;
    this.clientClock = made.clientClock;
    this.clientStation = made.clientStation;
    this.relay = made.relay;
    this.receiver = made.receiver;
    this.#utcOffsetS = made.utcOffsetS;
    this.client = client;
    this.#ptp4ls.push(client);
  }

  /** All of it; no ptp4l runs yet. */
  static async make(options: LabOptions = {}): Promise<Lab> {
    sweep();
    const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}.${startOf('self')}-`));
    const utcNs = BigInt(options.utcMs ?? Date.now()) * nsPerMs;
    const taiNs = taiOfUtc(utcNs);
    const utcOffsetS = (taiNs - utcNs) / nsPerS;
    const clocks = await Clocks.make(join(folder, 'clocks'), taiNs, utcOffsetS);
    const clientClock = await clocks.newClock({ scale: 'utc' });
    const network = await Network.make();
    const clientStation = await network.station({ cut: true });
    const relay = await Relay.start(network, clientStation);
    const receiver = await GnssReceiver.make({ clocks, folder });
    const client = new Ptp4l({
      ...{ name: 'client', folder, station: clientStation, clock: clientClock },
      linuxptp: options.linuxptp ?? STOCK_LINUXPTP,
      settings: { ...CLIENT_SETTINGS, ...options.clientSettings },
    });
    return new Lab(
      { folder, network, clocks, clientClock, clientStation, relay, receiver, utcOffsetS },
      client,
    );
  }

  /** A grandmaster on a station and a true TAI clock of its own, not started. */
  async grandmaster(options: GrandmasterOptions): Promise<Grandmaster> {
    const { name, priority1 = 100, settings = {}, domain = 0 } = options;
    const station = await this.network.station();
    const clock = await this.clocks.newClock({ scale: 'tai', followsTruth: true });
    const grandmaster = new Grandmaster(
      {
        ...{ name, folder: this.folder, station, clock, linuxptp: STOCK_LINUXPTP },
        settings: { domainNumber: domain },
      },
      { ...LOCKED_GRANDMASTER, currentUtcOffset: Number(this.#utcOffsetS), ...settings },
      priority1,
    );
    this.#ptp4ls.push(grandmaster.ptp4l);
    return grandmaster;
  }

  /** Another client, of another domain, whose wire passes no relay; not started. */
  async otherClient(name: string, domain: number): Promise<OtherClient> {
    const station = await this.network.station();
    const clock = await this.clocks.newClock({ scale: 'utc' });
    const ptp4l = new Ptp4l({
      ...{ name, folder: this.folder, station, clock, linuxptp: STOCK_LINUXPTP },
      settings: { ...CLIENT_SETTINGS, domainNumber: domain },
    });
    this.#ptp4ls.push(ptp4l);
    return { ptp4l, clock };
  }

  /** Another user's socket in the place of this one; whatever is sent there is told. */
  impostor(path: string, heard: () => void): void {
    this.#impostors.push(putImpostor(path, heard));
  }

  /** The TAI that it truly is. */
  truthNow(): bigint {
    return this.clocks.truthAt(readClock().monotonicRawNs);
  }

  /** Of every process that runs for it. */
  pids(): number[] {
    const ptp4ls = this.#ptp4ls.flatMap(({ pid }) => pid ?? []);
    return [...ptp4ls, this.relay.pid, this.clocks.pid, ...this.network.pids()];
  }

  async end(): Promise<void> {
    for (const impostor of this.#impostors) impostor.close();
    await this.receiver.unplug();
    await Promise.all(this.#ptp4ls.map(async (ptp4l) => ptp4l.kill()));
    await this.relay.end();
    await this.network.end();
    await this.clocks.end();
    rmSync(this.folder, { recursive: true });
  }
}

interface MadeLab {
  readonly folder: string;
  readonly network: Network;
  readonly clocks: Clocks;
  readonly clientClock: LabClock;
  readonly clientStation: Station;
  readonly relay: Relay;
  readonly receiver: GnssReceiver;
  readonly utcOffsetS: bigint;
}

/** Removes the folders of labs whose process is gone. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid, start] = /^kudurru-lab-(\d+)\.(\d+)-/u.exec(name) ?? [];
    if (pid === undefined || startOf(pid) === start) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** When a process started, in ticks since the machine did; null when it is gone. */
function startOf(pid: string): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 22 of proc_pid_stat(5), counted from the command's name, which is field 2.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}
