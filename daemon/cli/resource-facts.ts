/** Disk, queue, memory and alarms of `kudurru status`, in words. */
import { duration, size } from './quantities.ts';

export interface Resources {
  readonly disk: {
    readonly freeBytes: number;
    readonly lowBytes: number;
    readonly enoughBytes: number;
    readonly segments: { readonly held: number; readonly retired: number } | null;
    readonly bytesPerEntry: Readonly<Record<'journal' | 'tiles' | 'index', number | null>>;
    readonly entriesPerSecond: Readonly<Record<'lastHour' | 'lastDay', number | null>>;
    readonly daysLeft: number | null;
  };
  readonly queue: {
    readonly heldBytes: number;
    readonly heldBytesHighest: number;
    readonly maxBytes: number;
    readonly highBytes: number;
    readonly frames: number;
    readonly inBatches: number;
    readonly waitingConnections: number;
  };
  readonly memory: { readonly residentBytes: number; readonly boundBytes: number };
  readonly alarms: readonly { readonly code: string; readonly message: string }[];
}

const msPerDay = 86_400_000;

export function resourceFacts({ disk, queue, memory, alarms }: Resources): [string, string][] {
  const { journal, tiles, index } = disk.bytesPerEntry;
  const { lastHour, lastDay } = disk.entriesPerSecond;
  return [
    [
      'disk',
      `${size(disk.freeBytes)} free, ${daysText(disk.daysLeft)}; below ${size(disk.lowBytes)} ` +
        `submissions are refused, until ${size(disk.enoughBytes)} are free`,
    ],
    ['segments', segmentsText(disk.segments)],
    [
      'growth',
      `${bytes(journal)} an entry in the journal, ${bytes(tiles)} in tiles, ${bytes(index)} in ` +
        `the index; ${rate(lastHour)} in the last hour, ${rate(lastDay)} in the last day`,
    ],
    [
      'queue',
      `${size(queue.heldBytes)} of ${size(queue.maxBytes)} (at most ` +
        `${size(queue.heldBytesHighest)} so far, alarm from ${size(queue.highBytes)}); ` +
        `${queue.inBatches} submissions are worked on, ${queue.frames} and ` +
        `${queue.waitingConnections} connections wait`,
    ],
    ['memory', `${size(memory.residentBytes)}, bound ${size(memory.boundBytes)}`],
    ['alarms', alarms.map(({ code, message }) => `${code}: ${message}`).join('; ') || 'none'],
  ];
}

function segmentsText(segments: Resources['disk']['segments']): string {
  if (segments === null) return 'not counted yet';
  return `${segments.held} of the journal held, ${segments.retired} retired`;
}

function daysText(daysLeft: number | null): string {
  return daysLeft === null ? 'time left not known' : `${duration(daysLeft * msPerDay)} left`;
}

function bytes(count: number | null): string {
  return count === null ? '? bytes' : `${Math.round(count)} bytes`;
}

function rate(entriesPerSecond: number | null): string {
  return entriesPerSecond === null ? '? entries/s' : `${entriesPerSecond.toFixed(1)} entries/s`;
}
