/** The few words `npm run bench -- …` takes. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What is measured, in the order of a run. Each can be asked for alone. */
export const MEASUREMENTS = [
  'bareVerify',
  'clock',
  'latency1',
  'ingest1',
  'fairness',
  'ingest64',
  'fsck',
  'anchoring',
  'devices',
] as const;
export type MeasurementName = (typeof MEASUREMENTS)[number];

export interface BenchOptions {
  /** Absolute path of the file that gets the figures, or undefined. */
  readonly json: string | undefined;
  /** How long each load runs. */
  readonly seconds: number;
  readonly only: MeasurementName | undefined;
  /** Where the run makes its folder; absolute. */
  readonly parent: string;
  /** The state folder stays after the run. */
  readonly keeps: boolean;
  /** Grow one ledger instead, and plot what an entry costs at each size. */
  readonly growth: { readonly entries: number; readonly svg: string } | undefined;
}

export const usage = `Usage: npm run bench -- [--json FILE] [--seconds S] [--only NAME]
                          [--state DIR] [--keep]
       npm run bench -- --growth FILE.svg [--entries N] [--state DIR] [--keep]

  --json FILE   write the figures as one flat JSON object
  --seconds S   how long each load runs, 1 to 3600 (10)
  --only NAME   one of ${MEASUREMENTS.join(', ')}
  --state DIR   where the run keeps its state, on a real disk (.kudurru-bench in the checkout)
  --keep        leave the state folder, for a look at it
  --growth FILE grow one ledger instead, and plot what an entry costs at each size
  --entries N   to that many entries, 10000 to 100000000 (10000000: about 20 GB of disk)
`;

const secondsMax = 3600;
const entriesMin = 10_000;
const entriesMax = 100_000_000;

/** @throws RangeError, with words for the person */
export function parseBench(words: readonly string[], checkout: string): BenchOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      json: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      only: { type: 'string' },
      state: { type: 'string', default: resolve(checkout, '.kudurru-bench') },
      keep: { type: 'boolean', default: false },
      growth: { type: 'string' },
      entries: { type: 'string', default: '10000000' },
    },
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > secondsMax) {
    throw new RangeError(`--seconds is 1 to ${secondsMax}, found "${values.seconds}"`);
  }
  const entries = Number(values.entries);
  if (!Number.isInteger(entries) || entries < entriesMin || entries > entriesMax) {
    throw new RangeError(`--entries is ${entriesMin} to ${entriesMax}, found "${values.entries}"`);
  }
  const only = MEASUREMENTS.find((name) => name === values.only);
  if (values.only !== undefined && only === undefined) {
    throw new RangeError(`--only is one of ${MEASUREMENTS.join(', ')}, found "${values.only}"`);
  }
  return {
    json: values.json === undefined ? undefined : resolve(values.json),
    seconds,
    only,
    parent: resolve(values.state),
    keeps: values.keep,
    growth: values.growth === undefined ? undefined : { entries, svg: resolve(values.growth) },
  };
}
