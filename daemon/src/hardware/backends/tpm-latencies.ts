/**
 * How long each command takes, as the daemon sends it. Nothing here leaves a trace that counts:
 * what writes is asked for only, and uses indexes of its own, which are removed, and the debug PCR.
 * A command that this TPM refuses is left out.
 */
import { randomBytes } from 'node:crypto';

import { type ObjectHandle, TpmError } from '@kudurru/tpm2-tss';

import type { Deadline } from '../deadline.ts';
import type { ExaminationRequest, TpmLatency } from '../tpm-examination.ts';
import type { LoadedTpm } from './tpm-loaded.ts';
import { withPauses } from './tpm-pauses.ts';
import { openStorageRoot } from './tpm-provisioning.ts';

/** PCR 16 is for debugging, and any program may reset it (PC Client profile §4.7.1). */
const debugPcr = 16;
/** Beside the ledger's own, in the owner's range; free but for a run that was interrupted. */
const scratchCounterIndex = 0x01804bf0;
const scratchExtendIndex = 0x01804bf1;
/** No new measurement begins with less than this left. */
const reserveMs = 1000;

interface Measured {
  readonly operation: string;
  readonly run: (options: { readonly timeoutMs: number }) => Promise<unknown>;
}

export async function measureLatencies(
  loaded: LoadedTpm,
  request: ExaminationRequest,
  deadline: Deadline,
): Promise<TpmLatency[]> {
  const root = await openStorageRoot(loaded.tpm, deadline);
  const latencies = await measureAll(harmless(loaded, root), request.runs, deadline);
  if (!request.wear) return latencies;
  return [...latencies, ...(await measureWear(loaded, request.runs, deadline))];
}

function harmless(
  { tpm, ak, checkpointKey, counter, state }: LoadedTpm,
  root: ObjectHandle,
): readonly Measured[] {
  const publicArea = state.checkpointKeyPublic;
  const parts = { publicArea, privatePart: state.checkpointKeyPrivate };
  const data = Uint8Array.from(randomBytes(32));
  const { attestations, keys, nv, platform, sessions } = tpm;
  return [
    { operation: 'ReadClock', run: (options) => platform.readClock(options) },
    { operation: 'GetRandom', run: (options) => platform.random(32, options) },
    { operation: 'PCR_Read', run: (options) => platform.readPcrs([debugPcr], options) },
    { operation: 'NV_Read', run: (options) => nv.readCounter(counter, options) },
    { operation: 'Sign', run: (options) => keys.sign(checkpointKey, data, options) },
    { operation: 'GetTime', run: (options) => attestations.getTime(ak, data, options) },
    {
      operation: 'NV_Certify',
      run: (options) =>
        attestations.nvCertify(ak, { index: counter, size: 8, qualifyingData: data }, options),
    },
    {
      operation: 'Quote',
      run: (options) => attestations.quote(ak, { pcrs: [debugPcr], qualifyingData: data }, options),
    },
    {
      operation: 'Certify',
      run: (options) =>
        attestations.certify(ak, { object: checkpointKey, qualifyingData: data }, options),
    },
    {
      operation: 'Load, FlushContext',
      run: async (options) => keys.flush(await keys.load(root, parts, options), options),
    },
    {
      operation: 'StartAuthSession, FlushContext',
      run: async (options) => sessions.flush(await sessions.startHmac(options), options),
    },
  ];
}

async function measureWear(
  { tpm }: LoadedTpm,
  runs: number,
  deadline: Deadline,
): Promise<TpmLatency[]> {
  const data = Uint8Array.from(randomBytes(32));
  const timeoutMs = deadline.remainingMs();
  const made: ObjectHandle[] = [];
  try {
    for (const index of [scratchCounterIndex, scratchExtendIndex]) {
      const left = await tpm.nv.find(index, { timeoutMs });
      if (left !== undefined) await tpm.nv.undefine(left, { timeoutMs });
    }
    const counter = await tpm.nv.defineCounter({ index: scratchCounterIndex }, { timeoutMs });
    made.push(counter);
    const extend = await tpm.nv.defineExtend({ index: scratchExtendIndex }, { timeoutMs });
    made.push(extend);
    const wearing: readonly Measured[] = [
      { operation: 'NV_Increment', run: (options) => tpm.nv.increment(counter, options) },
      {
        operation: 'PCR_Extend',
        run: (options) => tpm.platform.extendPcr(debugPcr, data, options),
      },
      { operation: 'NV_Extend', run: (options) => tpm.nv.extend(extend, data, options) },
    ];
    return await measureAll(wearing, runs, deadline);
  } finally {
    for (const index of made) await tpm.nv.undefine(index, { timeoutMs: reserveMs });
  }
}

async function measureAll(
  commands: readonly Measured[],
  runs: number,
  deadline: Deadline,
): Promise<TpmLatency[]> {
  const latencies: TpmLatency[] = [];
  for (const [position, { operation, run }] of commands.entries()) {
    // An equal share of the time that is left, so that every command is measured.
    const shareMs = (deadline.remainingMs() - reserveMs) / (commands.length - position);
    const untilMs = performance.now() + shareMs;
    const taken: number[] = [];
    while (taken.length < runs && (taken.length === 0 || performance.now() < untilMs)) {
      const beganMs = performance.now();
      if (!(await isTaken(deadline, () => run({ timeoutMs: deadline.remainingMs() })))) break;
      taken.push(performance.now() - beganMs);
    }
    if (taken.length > 0) latencies.push(summary(operation, taken));
  }
  return latencies;
}

/** False where this TPM refuses the command. */
async function isTaken(deadline: Deadline, run: () => Promise<unknown>): Promise<boolean> {
  try {
    await withPauses(deadline, run);
    return true;
  } catch (error) {
    if (error instanceof TpmError && error.failure === 'refused') return false;
    throw error;
  }
}

function summary(operation: string, taken: readonly number[]): TpmLatency {
  const sorted = taken.toSorted((left, right) => left - right);
  const at = (share: number): number => {
    const value = sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return Math.round(value * 1000) / 1000;
  };
  return { operation, runs: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), longestMs: at(1) };
}
