/**
 * What this process asks of the kernel for itself as it starts. Nothing here is worth refusing a
 * start for: what is not to be had is said in the log and in the status.
 */
import { readFileSync } from 'node:fs';

import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ProcessFactView } from '../control/views.ts';
import {
  readClockSteering,
  refuseDumps,
  type Called,
  type ClockSteering,
} from '../hardware/backends/libc-calls.ts';

/** capabilities(7). */
const CAP_SYS_TIME = 25n;

export interface OwnCalls {
  readonly readClockSteering: () => Called<ClockSteering>;
  readonly refuseDumps: () => Called<true>;
  /** `/proc/self/status`. */
  readonly readStatus: () => string;
}

const kernel: OwnCalls = {
  readClockSteering,
  refuseDumps,
  readStatus: () => readFileSync('/proc/self/status', 'latin1'),
};

export function prepareProcess(log: Log, calls: OwnCalls = kernel): readonly ProcessFactView[] {
  const facts = [dumps(calls), steering(calls), privilege(calls)];
  for (const { name, state, isGood } of facts) {
    if (isGood) log.info('process', { name, state });
    else log.warning('process', { name, state });
  }
  return facts;
}

function dumps(calls: OwnCalls): ProcessFactView {
  const name = 'memory dumps';
  const called = tried(calls.refuseDumps);
  if ('result' in called) return { name, state: 'refused', isGood: true };
  return { name, state: `possible: ${called.refused}`, isGood: false };
}

function steering(calls: OwnCalls): ProcessFactView {
  const name = 'system clock';
  const called = tried(calls.readClockSteering);
  if ('refused' in called) {
    return { name, state: `the kernel does not tell: ${called.refused}`, isGood: false };
  }
  const { isSteered, maxErrorUs } = called.result;
  if (!isSteered) return { name, state: 'steered by nobody', isGood: false };
  return { name, state: `steered, wrong by ${maxErrorUs} us at most, it says`, isGood: true };
}

/** A ledger that can set the clock is one reason more to doubt it. */
function privilege(calls: OwnCalls): ProcessFactView {
  const name = 'setting the clock';
  const called = tried(() => ({ result: calls.readStatus() }));
  const effective = 'result' in called ? /^CapEff:\s*([0-9a-f]+)$/m.exec(called.result)?.[1] : null;
  if (effective === null || effective === undefined) {
    return { name, state: 'not known: /proc/self/status does not tell', isGood: false };
  }
  const isAble = ((BigInt(`0x${effective}`) >> CAP_SYS_TIME) & 1n) === 1n;
  return { name, state: isAble ? 'possible (CAP_SYS_TIME)' : 'not possible', isGood: !isAble };
}

function tried<Result>(call: () => Called<Result>): Called<Result> {
  try {
    return call();
  } catch (error) {
    return { refused: reasonOf(error) };
  }
}
