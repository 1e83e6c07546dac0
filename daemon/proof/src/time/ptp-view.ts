/**
 * What ptp4l told of itself over the span of the evidence: the data sets by name, each with the
 * frame it came in. A message that is not our own ptp4l's answer is told as a problem, not skipped.
 */
import { encodeHex } from '../bytes.ts';
import { ProofError } from '../proof-error.ts';
import type { PtpClockSet } from './ptp-clock-sets.ts';
import type { PtpManagementMessage } from './ptp-management.ts';
import { decodePtpManagement } from './ptp-management.ts';
import type { PtpPortSet } from './ptp-port-sets.ts';
import type { TimeFrame } from './raw-time-evidence.ts';
import type { Frames } from './source-reading.ts';
import type { SourceProblem } from './source-verdict.ts';
import type { PtpPins } from './time-source.ts';

type Sets = PtpClockSet | PtpPortSet;
type SetOf<N extends Sets['name']> = Extract<Sets, { readonly name: N }>;

export interface Heard<S> {
  readonly frame: TimeFrame;
  readonly set: S;
}

/** What a reading is made of: none of them may be missing. */
const NEEDED = [
  'TIME_STATUS_NP',
  'CURRENT_DATA_SET',
  'PARENT_DATA_SET',
  'TIME_PROPERTIES_DATA_SET',
  'PORT_DATA_SET',
  'PORT_STATS_NP',
] as const;

export class PtpView {
  readonly #heard: readonly Heard<Sets>[];
  /** What is wrong with the messages as such. */
  readonly problems: readonly SourceProblem[];
  readonly timeStatus: readonly Heard<SetOf<'TIME_STATUS_NP'>>[];
  readonly current: readonly Heard<SetOf<'CURRENT_DATA_SET'>>[];
  readonly parent: readonly Heard<SetOf<'PARENT_DATA_SET'>>[];
  readonly timeProperties: readonly Heard<SetOf<'TIME_PROPERTIES_DATA_SET'>>[];
  readonly ports: readonly Heard<SetOf<'PORT_DATA_SET'>>[];
  readonly stats: readonly Heard<SetOf<'PORT_STATS_NP'>>[];

  constructor(frames: Frames, pins: PtpPins) {
    const problems = new Set<SourceProblem>();
    const heard: Heard<Sets>[] = [];
    for (const frame of frames) {
      if (frame.kind !== 'ptp-management') continue;
      const message = read(frame);
      if (message === null) problems.add('malformed');
      else if (!isOwn(message, pins)) problems.add('identity');
      else if (message.body.type === 'data' && message.body.dataSet !== null) {
        heard.push({ frame, set: message.body.dataSet as Sets });
      }
    }
    this.#heard = heard;
    this.problems = [...problems];
    this.timeStatus = this.#ofName('TIME_STATUS_NP');
    this.current = this.#ofName('CURRENT_DATA_SET');
    this.parent = this.#ofName('PARENT_DATA_SET');
    this.timeProperties = this.#ofName('TIME_PROPERTIES_DATA_SET');
    this.ports = this.#ofName('PORT_DATA_SET');
    this.stats = this.#ofName('PORT_STATS_NP');
  }

  /** The frames of each data set that is needed. */
  get needed(): readonly (readonly TimeFrame[])[] {
    return NEEDED.map((name) => this.#ofName(name).map(({ frame }) => frame));
  }

  /** The port that was SLAVE all the time, where there is exactly one. */
  get slavePort(): number | null {
    const numbers = new Set(this.ports.map(({ set }) => set.portIdentity.portNumber));
    const slaves = [...numbers].filter((number) =>
      this.ports.every(
        ({ set }) => set.portIdentity.portNumber !== number || set.portState === 'SLAVE',
      ),
    );
    return slaves.length === 1 ? (slaves[0] ?? null) : null;
  }

  #ofName<N extends Sets['name']>(name: N): Heard<SetOf<N>>[] {
    return this.#heard.filter((each): each is Heard<SetOf<N>> => each.set.name === name);
  }
}

function read(frame: TimeFrame): PtpManagementMessage | null {
  try {
    return decodePtpManagement(frame.bytes);
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}

function isOwn(message: PtpManagementMessage, { domain, localClockIdentity }: PtpPins): boolean {
  return (
    message.action === 'RESPONSE' &&
    message.domainNumber === domain &&
    message.sourcePortIdentity.clockIdentity === encodeHex(localClockIdentity)
  );
}
