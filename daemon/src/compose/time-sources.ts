/**
 * Which process reads each source of the time profile in force: picked by the source's kind, at the
 * place that the configuration of this box gives it. A source without a place is not read, and so
 * is silent; the system clock is read by the daemon itself.
 */
import { join } from 'node:path';

import { encodeHex, type TimeProfile, type TimeRecord } from '@kudurru/proof';

import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Configuration } from '../config/load.ts';
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
  { sources }: TimeProfile,
  options: TimeSourcesOptions,
): SupervisedSource[] {
  const { configuration, log } = options;
  for (const id of Object.keys(configuration.time.sources)) {
    const isKnown = sources.some((source) => source.id === id);
    if (!isKnown) log.warning('no such source in the time profile', { id });
  }
  return sources.flatMap((source, place) => {
    const backend = backendOf(source, place, configuration);
    if (backend !== null) return [supervise(backend, { ...options, id: source.id, place })];
    const { id, kind } = source;
    if (kind !== 'system-clock') log.warning('source of time not configured here', { id, kind });
    return [];
  });
}

/** @param place of the source in the profile. Null: nothing of this box reads it. */
function backendOf(
  source: ProfileSource,
  place: number,
  { state, time }: TimeSourcesOptions['configuration'],
): TimeSource | null {
  const found = time.sources[source.id];
  if (source.kind === 'ptp' && found?.kind === 'ptp') {
    const { kind: _, ...settings } = found;
    return ptp4lBroker({
      ...settings,
      clientPath: join(state, `time-${place}.sock`),
      domainNumber: source.pins.domain,
      clockIdentity: encodeHex(source.pins.localClockIdentity),
    });
  }
  return null;
}

function supervise(
  source: TimeSource,
  { keeper, log, id, place }: TimeSourcesOptions & { readonly id: string; readonly place: number },
): SupervisedSource {
  const hear = (record: TimeRecord): void => {
    try {
      const note = keeper.hear(place, record);
      if (note !== null) log.warning('source of time', { id, ...note });
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
