/**
 * What the sources of time have said lately, byte by byte, from which evidence is made: so much as
 * evidence can hold. Where that is exceeded, the source that says most loses its oldest frames:
 * none can push out what another said. Notes that only inform are told and not kept.
 */
import {
  decodeTimeNote,
  RAW_TIME_EVIDENCE_SIZE_BYTES_MAX,
  type TimeFrame,
  type TimeNoteCode,
  type TimeRecord,
} from '@kudurru/proof';

/**
 * What a frame counts besides its bytes: more than it costs, so that as many as evidence can hold
 * bytes of are fewer than TIME_FRAMES_MAX.
 */
const FRAME_OVERHEAD_BYTES = 60;
/** Of all sources together, with room for the daemon's own reading. */
const FRAMES_SIZE_BYTES_MAX = RAW_TIME_EVIDENCE_SIZE_BYTES_MAX - 1024;

const INFORMING: ReadonlySet<TimeNoteCode> = new Set([
  'started',
  'back',
  'version-changed',
  'not-supported',
]);

export interface HeardNote {
  readonly code: TimeNoteCode;
  readonly message: string;
  /** Whether it speaks against its source. */
  readonly isTrouble: boolean;
}

export class HeardFrames {
  readonly #keepNs: bigint;
  readonly #sources = new Map<number, SourceFrames>();
  #countsFromNs = 0n;

  /** @param keepNs how long a frame is kept, by CLOCK_MONOTONIC_RAW */
  constructor(keepNs: bigint) {
    this.#keepNs = keepNs;
  }

  /** The note that it is, if it is one. @throws ProofError of a note of no form */
  hear(source: number, record: TimeRecord): HeardNote | null {
    if (record.kind !== 'note') {
      this.#keep({ source, ...record });
      return null;
    }
    const { code, message } = decodeTimeNote(record.bytes);
    const isTrouble = !INFORMING.has(code);
    if (isTrouble) this.keepNote(source, code, record);
    return { code, message, isTrouble };
  }

  /** What came before does not count any more, though it be handed on later. */
  forgetBefore(rawNs: bigint): void {
    this.#countsFromNs = rawNs;
    for (const each of this.#sources.values()) each.leave((frame) => frame.rawBeforeNs >= rawNs);
  }

  keepNote(source: number, code: string, at: Omit<TimeRecord, 'kind' | 'bytes'>): void {
    this.#keep({ source, ...at, kind: 'note', bytes: new TextEncoder().encode(code) });
  }

  /** With the daemon's own reading last: silence shows against it. */
  until(own: TimeFrame): readonly TimeFrame[] {
    for (const each of this.#sources.values()) this.#forget(each, own.rawAfterNs);
    const heard = [...this.#sources.values()].flatMap(({ frames }) => frames);
    const frames = heard.filter(({ rawAfterNs }) => rawAfterNs <= own.rawAfterNs);
    return [...frames.toSorted(inOrder), own];
  }

  #keep(frame: TimeFrame): void {
    if (frame.rawBeforeNs < this.#countsFromNs) return;
    const known = this.#sources.get(frame.source);
    const said = known ?? new SourceFrames();
    if (known === undefined) this.#sources.set(frame.source, said);
    said.add(frame);
    this.#forget(said, frame.rawAfterNs);
    while (this.#sizeBytes() > FRAMES_SIZE_BYTES_MAX) this.#longest().dropOldest();
  }

  #forget(said: SourceFrames, nowNs: bigint): void {
    const fromNs = nowNs - this.#keepNs;
    if ((said.frames[0]?.rawAfterNs ?? fromNs) >= fromNs) return;
    said.leave(({ rawAfterNs }) => rawAfterNs >= fromNs);
  }

  #sizeBytes(): number {
    return [...this.#sources.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  #longest(): SourceFrames {
    return [...this.#sources.values()].reduce((longest, each) =>
      each.sizeBytes > longest.sizeBytes ? each : longest,
    );
  }
}

/** What one source said, in the order of rawAfterNs. */
class SourceFrames {
  frames: TimeFrame[] = [];
  sizeBytes = 0;

  add(frame: TimeFrame): void {
    // A process hands on what it knows: of a pulse's edge it does later than of what came after.
    const place = this.frames.findLastIndex(({ rawAfterNs }) => rawAfterNs <= frame.rawAfterNs) + 1;
    this.frames.splice(place, 0, frame);
    this.sizeBytes += sizeOf(frame);
  }

  dropOldest(): void {
    const oldest = this.frames.shift();
    if (oldest !== undefined) this.sizeBytes -= sizeOf(oldest);
  }

  leave(stays: (frame: TimeFrame) => boolean): void {
    this.frames = this.frames.filter(stays);
    this.sizeBytes = this.frames.reduce((sum, frame) => sum + sizeOf(frame), 0);
  }
}

function sizeOf({ bytes }: TimeFrame): number {
  return bytes.length + FRAME_OVERHEAD_BYTES;
}

function inOrder(one: TimeFrame, other: TimeFrame): number {
  if (one.rawAfterNs === other.rawAfterNs) return 0;
  return one.rawAfterNs < other.rawAfterNs ? -1 : 1;
}
