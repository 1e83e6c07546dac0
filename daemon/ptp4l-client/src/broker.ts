/**
 * Asks one ptp4l again and again what it knows, and hands on its very words. It can ask and
 * subscribe, nothing else: the client it is made of has no other message.
 *
 * What becomes of the socket is told by notes, once for each change. It never gives up: after a
 * loss it tries again, later each time up to a bound.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { readClock } from '@kudurru/native';
import type { PtpManagementName, TimeNoteCode, TimeRecord, TimeRecordWriter } from '@kudurru/proof';

import { Ptp4lClient } from './client.ts';
import type { Accepted, Rejected } from './client.ts';
import { Ptp4lError } from './client-error.ts';
import type { ClientErrorCode } from './client-error.ts';
import { findServer } from './server-socket.ts';
import type { ServerPlace } from './server-socket.ts';
import type { BrokerSettings } from './settings.ts';

/** What every reading of time is made of: asked in each round. */
const EACH_ROUND: readonly PtpManagementName[] = [
  ...(['TIME_STATUS_NP', 'CURRENT_DATA_SET', 'PARENT_DATA_SET'] as const),
  ...(['TIME_PROPERTIES_DATA_SET', 'PORT_DATA_SET', 'PORT_STATS_NP'] as const),
];
/** What changes seldom, or is not in every version: asked in some rounds, until it is refused. */
const SELDOM: readonly PtpManagementName[] = [
  ...(['DEFAULT_DATA_SET', 'GRANDMASTER_SETTINGS_NP', 'PORT_PROPERTIES_NP'] as const),
  ...(['PORT_SERVICE_STATS_NP', 'UNICAST_MASTER_TABLE_NP', 'PORT_HWCLOCK_NP'] as const),
];
const SELDOM_EVERY_ROUNDS = 40;
const SUBSCRIPTION_SECONDS = 60;
/** Unanswered questions after which the socket counts as lost. */
const SILENT_MAX = 3;
/** Of messages that were not accepted, between two rounds: somebody may send any number. */
const REJECTED_NOTES_MAX = 16;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5000;

const TROUBLES: Readonly<Record<ClientErrorCode, TimeNoteCode>> = {
  'socket-gone': 'socket-gone',
  'socket-denied': 'socket-denied',
  'socket-impostor': 'socket-impostor',
  'client-path-unusable': 'socket-denied',
  busy: 'stall',
  'no-answer': 'stall',
  refused: 'not-supported',
  closed: 'socket-gone',
};

/** Who answered, as far as it shows. */
interface Known {
  readonly pid: number;
  readonly clockIdentity: string;
  readonly version: string;
}

export class Broker {
  readonly #settings: BrokerSettings;
  readonly #pipe: TimeRecordWriter;
  readonly #stop = new AbortController();
  readonly #refused = new Set<PtpManagementName>();
  #known: Known | null = null;
  #restarted = false;
  #begun = false;
  #trouble: TimeNoteCode | null = null;
  #rejected = 0;
  #unnoted = 0;

  constructor(settings: BrokerSettings, pipe: TimeRecordWriter) {
    this.#settings = settings;
    this.#pipe = pipe;
  }

  /** Ends when `stop` was called. */
  async run(): Promise<void> {
    let waitMs = RETRY_FIRST_MS;
    while (!this.#stop.signal.aborted) {
      const hasAnswered = await this.#attend();
      if (hasAnswered) waitMs = RETRY_FIRST_MS;
      await this.#pause(waitMs);
      waitMs = Math.min(waitMs * 2, RETRY_MAX_MS);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** From finding the socket to losing it. Whether it answered at all. */
  async #attend(): Promise<boolean> {
    let client: Ptp4lClient | undefined;
    let hasAnswered = false;
    try {
      const place = this.#findPlace();
      client = this.#open(place);
      const { clockIdentity, learned } = await client.learn();
      hasAnswered = true;
      this.#sayBegun(place, `clock ${clockIdentity}${learned ? ', learned from it' : ''}`);
      await this.#subscribe(client, place);
      await this.#rounds(client);
    } catch (error) {
      if (!(error instanceof Ptp4lError)) throw error;
      this.#sayTrouble(TROUBLES[error.code], error.message);
    } finally {
      client?.close();
    }
    return hasAnswered;
  }

  #findPlace(): ServerPlace {
    const place = findServer(this.#settings.places);
    if (place !== undefined) return place;
    const paths = this.#settings.places.map(({ path }) => path).join(', ');
    throw new Ptp4lError('socket-gone', `there is no socket of ptp4l: ${paths}`);
  }

  #open(place: ServerPlace): Ptp4lClient {
    const { clientPath, clockIdentity, domainNumber, transportSpecific } = this.#settings;
    const { allowedUids, deadlineMs } = this.#settings;
    return new Ptp4lClient({
      ...{ serverPath: place.path, clientPath, domainNumber, transportSpecific },
      ...{ allowedUids, deadlineMs, ...(clockIdentity === null ? {} : { clockIdentity }) },
      accepted: (accepted) => this.#take(accepted, place),
      rejected: (rejected) => this.#tell(rejected),
      failed: ({ code, message }) => this.#sayTrouble(TROUBLES[code], message),
    });
  }

  /** The read-only socket takes no subscription. */
  async #subscribe(client: Ptp4lClient, place: ServerPlace): Promise<void> {
    if (place.access === 'read-only') return;
    await client.subscribe(['portState', 'timeSync', 'parentDataSet'], SUBSCRIPTION_SECONDS);
  }

  /** Asks until the socket is lost or ptp4l was started anew. */
  async #rounds(client: Ptp4lClient): Promise<void> {
    let silent = 0;
    for (let round = 0; !this.#stop.signal.aborted && !this.#restarted; round++) {
      const names = round % SELDOM_EVERY_ROUNDS === 0 ? [...EACH_ROUND, ...SELDOM] : EACH_ROUND;
      for (const name of names) {
        const hasAnswered = await this.#ask(client, name);
        silent = hasAnswered ? 0 : silent + 1;
        if (silent >= SILENT_MAX) {
          throw new Ptp4lError('socket-gone', `ptp4l left ${silent} questions unanswered`);
        }
      }
      if (silent === 0) this.#sayBack();
      this.#sayUnnoted();
      await this.#pause(this.#settings.intervalMs);
    }
    this.#restarted = false;
  }

  async #ask(client: Ptp4lClient, name: PtpManagementName): Promise<boolean> {
    if (this.#refused.has(name)) return true;
    try {
      await client.get(name);
      return true;
    } catch (error) {
      if (!(error instanceof Ptp4lError)) throw error;
      if (error.code === 'refused') {
        this.#refused.add(name);
        this.#note('not-supported', error.message);
        return true;
      }
      if (error.code !== 'no-answer' && error.code !== 'busy') throw error;
      this.#sayTrouble('stall', error.message);
      return false;
    }
  }

  #take({ datagram, message }: Accepted, place: ServerPlace): void {
    const { rawBeforeNs, rawAfterNs, realtimeNs, bytes, sender } = datagram;
    this.#recognise({
      pid: sender?.pid ?? 0,
      clockIdentity: message.sourcePortIdentity.clockIdentity,
      version: `PTP 2.${message.minorVersion} at a ${place.access} socket`,
    });
    this.#pipe.frame({
      ...{ kind: 'ptp-management', rawBeforeNs, rawAfterNs },
      ...{ clockNs: realtimeNs, bytes },
    });
  }

  #recognise(now: Known): void {
    const before = this.#known;
    this.#known = now;
    if (before === null) return;
    if (before.pid !== now.pid || before.clockIdentity !== now.clockIdentity) {
      const message =
        `process ${now.pid}, clock ${now.clockIdentity}; ` +
        `before ${before.pid}, clock ${before.clockIdentity}`;
      this.#note('restarted', message);
      this.#refused.clear();
      this.#restarted = true;
    }
    if (before.version !== now.version) {
      this.#note('version-changed', `${now.version}; before ${before.version}`);
    }
  }

  #tell({ reason, explanation, datagram }: Rejected): void {
    if (this.#rejected >= REJECTED_NOTES_MAX) {
      this.#unnoted += 1;
      return;
    }
    this.#rejected += 1;
    const { rawBeforeNs, rawAfterNs, realtimeNs, bytes } = datagram;
    this.#pipe.note(codeOf(reason), {
      ...{ message: `${reason}: ${explanation}`, bytes },
      at: { rawBeforeNs, rawAfterNs, clockNs: realtimeNs },
    });
  }

  #sayUnnoted(): void {
    const unnoted = this.#unnoted;
    this.#rejected = 0;
    this.#unnoted = 0;
    if (unnoted > 0) this.#note('forged-response', `${unnoted} more, not kept`);
  }

  #sayBegun({ path, access }: ServerPlace, who: string): void {
    const rung = access === 'read-only' ? '' : ', of which no read-only one was found';
    const message = `${access} socket "${path}"${rung}; ${who}`;
    if (!this.#begun) this.#note('started', message);
    else this.#sayBack(message);
    this.#begun = true;
    this.#trouble = null;
    this.#restarted = false;
  }

  #sayBack(message = 'ptp4l answers again'): void {
    if (this.#trouble !== null) this.#note('back', message);
    this.#trouble = null;
  }

  #sayTrouble(code: TimeNoteCode, message: string): void {
    if (this.#trouble === code || this.#stop.signal.aborted) return;
    this.#trouble = code;
    this.#note(code, message);
  }

  #note(code: TimeNoteCode, message: string): void {
    this.#pipe.note(code, { message, at: clocksNow() });
  }

  async #pause(durationMs: number): Promise<void> {
    const { signal } = this.#stop;
    await sleep(durationMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Who sends from another socket than ptp4l's is an impostor; what came through it is forged. */
function codeOf(reason: Rejected['reason']): TimeNoteCode {
  if (reason === 'sender' || reason === 'path') return 'socket-impostor';
  if (reason === 'malformed') return 'malformed';
  return reason === 'late' ? 'stall' : 'forged-response';
}

function clocksNow(): Pick<TimeRecord, 'rawBeforeNs' | 'rawAfterNs' | 'clockNs'> {
  const { monotonicRawNs, realtimeAfterNs } = readClock();
  return { rawBeforeNs: monotonicRawNs, rawAfterNs: monotonicRawNs, clockNs: realtimeAfterNs };
}
