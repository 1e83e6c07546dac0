/**
 * Which process reads each source of the time profile in force: picked by the source's kind, at the
 * place that the configuration of this box gives it. A source without a place is not read, and so
 * is silent; the system clock is read by the daemon itself.
 */
import { join } from 'node:path';

import {
  encodeHex,
  type GnssPins,
  type PtpPins,
  type TimeProfile,
  type TimeRecord,
} from '@kudurru/proof';

import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Configuration } from '../config/load.ts';
import type { GnssPlace, PtpPlace } from '../config/time-table.ts';
import { gnssReader } from '../hardware/backends/gnss-reader.ts';
import { phcReader } from '../hardware/backends/phc-reader.ts';
import { ptp4lBroker } from '../hardware/backends/ptp4l-broker.ts';
import type { TimeSource } from '../hardware/time-source.ts';
import { SupervisedSource } from '../time/supervised-source.ts';
import type { Timekeeper } from '../time/timekeeper.ts';

export interface TimeSourcesOptions {
  readonly configuration: Pick<Configuration, 'state' | 'time'>;
  readonly keeper: Pick<Timekeeper, 'hear' | 'lost'>;
  readonly log: Log;
}

type ProfileSource = TimeProfile['sources'][number];

/** Of what the profile names and this box has. */
export function startTimeSources(
  profile: TimeProfile,
  options: TimeSourcesOptions,
): SupervisedSource[] {
  const { configuration, log } = options;
  const { sources } = profile;
  for (const id of Object.keys(configuration.time.sources)) {
    const isKnown = sources.some((source) => source.id === id);
    if (!isKnown) log.warning('no such source in the time profile', { id });
  }
  return sources.flatMap((source, place) => {
    warnOfPulse(source, options);
    const { id, kind } = source;
    const backends = backendsOf(source, { place, limits: profile.limits, configuration });
    const isOwn = kind === 'system-clock';
    if (backends.length === 0 && !isOwn) {
      log.warning('source of time not configured here', { id, kind });
    }
    if (backends.length === 1 && kind === 'ptp' && source.pins.clock === 'phc') {
      log.warning('source of time without the device of its clock', { id });
    }
    return backends.map((backend) => supervise(backend, { ...options, id, place }));
  });
}

/** A pulse that the profile counts on and nobody reads leaves its source without health. */
function warnOfPulse(source: ProfileSource, { configuration, log }: TimeSourcesOptions): void {
  const found = configuration.time.sources[source.id];
  if (source.kind !== 'gnss' || found?.kind !== 'gnss') return;
  const [id, isPinned, isRead] = [source.id, source.pins.pulse, found.pulse !== null];
  if (isPinned && !isRead) log.warning('pulse of the time profile not configured here', { id });
  if (isRead && !isPinned) log.warning('pulse not read: not in the time profile', { id });
}

/** What is known of a source besides what the profile says of it. */
interface Surroundings {
  /** Place of the source in the profile. */
  readonly place: number;
  readonly limits: TimeProfile['limits'];
  readonly configuration: TimeSourcesOptions['configuration'];
}

/** Empty: nothing of this box reads it. Whatever reads a source speaks for the whole of it. */
function backendsOf(source: ProfileSource, around: Surroundings): TimeSource[] {
  const found = around.configuration.time.sources[source.id];
  if (source.kind === 'ptp' && found?.kind === 'ptp') return ptpOf(source.pins, found, around);
  if (source.kind === 'gnss' && found?.kind === 'gnss') return [gnssOf(source.pins, found, around)];
  return [];
}

/** The broker, and the clock that ptp4l sets where the daemon has no call for it. */
function ptpOf(
  pins: PtpPins,
  found: PtpPlace,
  { place, configuration }: Surroundings,
): TimeSource[] {
  const { socket, device, intervalMs, allowedUids } = found;
  const broker = ptp4lBroker({
    ...{ socket, intervalMs, allowedUids },
    clientPath: join(configuration.state, `time-${place}.sock`),
    domainNumber: pins.domain,
    clockIdentity: encodeHex(pins.localClockIdentity),
  });
  if (pins.clock !== 'phc' || device === null) return [broker];
  return [broker, phcReader({ device, intervalMs })];
}

/** Each span that is judged holds an answer to who the receiver is. */
function gnssOf(pins: GnssPins, found: GnssPlace, { limits }: Surroundings): TimeSource {
  const { line, baud, pulse } = found;
  return gnssReader({
    ...{ line, baud, silenceMs: limits.silenceMs },
    pulse: pins.pulse ? pulse : null,
    askEveryMs: Math.floor(limits.windowMs / 2),
  });
}

function supervise(
  source: TimeSource,
  { keeper, log, id, place }: TimeSourcesOptions & { readonly id: string; readonly place: number },
): SupervisedSource {
  const hear = (record: TimeRecord): void => {
    try {
      const note = keeper.hear(place, record);
      if (note === null) return;
      const { isTrouble, ...told } = note;
      if (isTrouble) log.warning('source of time', { id, ...told });
      else log.info('source of time', { id, ...told });
    } catch (error) {
      keeper.lost(place);
      log.warning('source of time not understood', { id, reason: reasonOf(error) });
    }
  };
  const lost = (reason: string): void => {
    keeper.lost(place);
    log.warning('source of time lost', { id, reason });
  };
  return new SupervisedSource({ source, hear, lost });
}
