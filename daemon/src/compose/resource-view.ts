/** What the daemon uses of disk and memory, and how near it is to its bounds. */
import type { Settings } from '../config/schema.ts';
import type { ResourcesView } from '../control/views.ts';
import type { AgentDoor } from '../intake/agent-door.ts';
import { logAnswersBytesMax, type LogDoor } from '../log-door/log-server.ts';
import { dayMs, hourMs, type GrowthWatch } from './growth-watch.ts';
import type { AlarmInForce, ResourceWatch } from './resource-watch.ts';

export interface ResourceViewOptions {
  readonly settings: Settings;
  readonly intake: AgentDoor;
  readonly logDoor: LogDoor;
  readonly watch: ResourceWatch;
  readonly growth: GrowthWatch;
  /** Of the process when its doors were about to open. */
  readonly residentAtStartBytes: number;
}

const bytesPerMib = 1_048_576;
/** As in native/src/core/intake/limits.h: bytes read behind a frame that waits, of a connection. */
const readBytes = 65_536;
/** As there: pushed receipts that are not read yet, of all connections. */
const pushesBytesMax = 67_108_864;
/** A batch in the ledger's hands: the group, its sealed bodies and its tiles beside the frames. */
const groupBytesMax = 67_108_864;

export function resourcesOf(
  options: ResourceViewOptions,
  otherAlarms: readonly AlarmInForce[],
): ResourcesView {
  const { settings, intake, logDoor, watch, growth } = options;
  const {
    heldBytes,
    heldBytesHighest,
    queuedFrames,
    inBatches,
    waitingConnections,
    agents,
    outgoingBytes,
  } = intake.stats();
  const freeBytes = watch.diskFreeBytes;
  const { over: lowBytes, back: enoughBytes } = watch.disk.marks;
  return {
    disk: {
      freeBytes,
      lowBytes,
      enoughBytes,
      segments: growth.segments,
      bytesPerEntry: growth.bytesPerEntry,
      entriesPerSecond: {
        lastHour: growth.entriesPerSecond(hourMs),
        lastDay: growth.entriesPerSecond(dayMs),
      },
      daysLeft: growth.daysUntilFull(freeBytes - lowBytes),
    },
    queue: {
      heldBytes,
      heldBytesHighest,
      maxBytes: settings.queueMib * bytesPerMib,
      highBytes: watch.queue.marks.over,
      lowBytes: watch.queue.marks.back,
      frames: queuedFrames,
      inBatches,
      waitingConnections,
      agents,
      unreadAnswerBytes: outgoingBytes,
    },
    memory: { residentBytes: process.memoryUsage.rss(), boundBytes: boundOf(options) },
    logAnswerBytes: logDoor.heldBytes,
    alarms: [...watch.inForce(), ...otherAlarms],
  };
}

/** What the process had at the start, and all that the settings let it hold besides. */
function boundOf({ settings, residentAtStartBytes }: ResourceViewOptions): number {
  return (
    residentAtStartBytes +
    settings.queueMib * bytesPerMib +
    settings.connectionsMax * readBytes +
    pushesBytesMax +
    groupBytesMax +
    logAnswersBytesMax
  );
}
