/** The kernel's clocks as the daemon reads them itself, and what tells it that they were set. */
import {
  readBracket,
  readClocks,
  readKernelClock,
  readSuspendedNs,
  watchClockSet,
} from '@kudurru/native';

import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { OwnReading } from '../time/timekeeper.ts';
import { ClockWatch } from './clock-watch.ts';

/** The system's clock, by the narrowest of a few brackets, and its state. */
export function readOwn(): OwnReading {
  const { rawBeforeNs, valueNs, rawAfterNs } = readBracket('realtime');
  // Two clocks that are read one after the other: at 0 the earlier may be ahead by nothing.
  const suspendedNs = readSuspendedNs();
  return {
    ...{ rawBeforeNs, clockNs: valueNs, rawAfterNs },
    suspendedNs: suspendedNs < 0n ? 0n : suspendedNs,
    kernel: kernelState(),
  };
}

/** @param onSet somebody set the system's clock */
export function watchOwnClocks(onSet: () => void, log: Log): ClockWatch {
  return new ClockWatch({
    read: () => ({ clocks: readClocks(), kernel: readKernelClock() }),
    watch: (listener) => watchOrSay(listener, log),
    onSet,
  });
}

/** Without it a set is found at the next look. */
function watchOrSay(listener: () => void, log: Log): () => void {
  const sayMissing = (reason: string): void => {
    log.warning('the kernel does not tell when the system clock is set', { reason });
  };
  try {
    return watchClockSet((news) => {
      if (news instanceof Error) sayMissing(news.message);
      else listener();
    });
  } catch (error) {
    sayMissing(reasonOf(error));
    return () => undefined;
  }
}

function kernelState(): OwnReading['kernel'] {
  const kernel = readKernelClock();
  if (kernel === null) return null;
  const { tickUs: _, ...told } = kernel;
  return told;
}
