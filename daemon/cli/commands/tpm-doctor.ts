/** `kudurru tpm doctor`: what the TPM can do, how it is, how fast it is. */
import { NativeError, openLedger, readLedgerId, type Ledger } from '@kudurru/native';

import { Devices } from '../../src/compose/devices.ts';
import { examinationRunsMax, examine } from '../../src/compose/tpm-requests.ts';
import { openLog } from '../../src/base/log.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { PLACE_OPTIONS, type Command, type Invocation } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT, Failure, wrongUse } from '../exit-code.ts';
import { orRefusal } from '../refusal.ts';
import type { Colour, Terminal } from '../terminal.ts';

type Examination = Awaited<ReturnType<typeof examine>>;
type Request = Parameters<typeof examine>[0];

const RUNS_DEFAULT = 20;
/** Small: nothing is written to the ledger that is held. */
const SEGMENT_BYTES = 1n << 20n;

export const tpmDoctor: Command = {
  words: ['tpm', 'doctor'],
  summary: 'examine the TPM: abilities, state, quirks, and the time each command takes',
  synopsis: ['[--runs N] [--wear] [--offline] [--state DIR] [--json]'],
  description: [
    'Asks the daemon, whose device helper owns the TPM; with --offline, and the daemon stopped, ' +
      'the TPM itself. It says who made it, what it can do, whether anything needs care, which ' +
      'known quirks it has, and for each command the median and the 99th percentile of its ' +
      'time, as the daemon sends it: waiting behind an anchor is part of it.',
    'It leaves counter, extend index and anchor PCR alone. What writes is not measured unless ' +
      '--wear is given: then a counter and an extend index are made, written N times each, and ' +
      'removed. A TPM takes some hundred thousand writes in its life. Where the operators have ' +
      'the authorisation of its owner, this cannot be measured.',
    'It ends within a minute: where the TPM is slow, after fewer runs, and the table says how ' +
      'many.',
  ],
  options: [
    {
      name: 'runs',
      value: 'N',
      meaning: `times that each command is measured, 1 to ${examinationRunsMax} (${RUNS_DEFAULT})`,
    },
    { name: 'wear', meaning: 'measure what writes, too; wears the TPM' },
    { name: 'offline', meaning: 'ask no daemon: open the TPM here. The daemon must not run' },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'the TPM cannot be used, or a check is bad']],
  examples: [
    ['How is it', 'kudurru tpm doctor'],
    ['A better measurement', 'kudurru tpm doctor --runs 200'],
  ],
  async run(invocation) {
    invocation.take();
    const runs = invocation.integer('runs') ?? RUNS_DEFAULT;
    if (runs < 1 || runs > examinationRunsMax) {
      throw wrongUse(`--runs is 1 to ${examinationRunsMax}, found ${runs}`);
    }
    const request = { runs, wear: invocation.flag('wear') };
    const found = invocation.flag('offline')
      ? await examineHere(invocation, request)
      : await new ControlClient(invocation.locations().controlSocket).post<Examination>(
          '/v1/tpm-examinations',
          request,
        );
    const { terminal, isJson } = invocation;
    if (isJson) terminal.printJson(found);
    else show(terminal, found);
    return found.checks.some(({ outcome }) => outcome === 'bad') ? EXIT.foundBad : EXIT.good;
  },
};

/** The state folder is held meanwhile: a daemon beside this would lose its keys in the TPM. */
async function examineHere(invocation: Invocation, request: Request): Promise<Examination> {
  return orRefusal(async () => {
    const configuration = loadConfiguration({
      flags: { state: invocation.text('state'), config: invocation.text('config') },
      environment: process.env,
      currentFolder: process.cwd(),
    });
    const held = await hold(configuration.state);
    const devices = new Devices(configuration, openLog({ level: 'warning' }));
    try {
      return await examine(request, { tpm: devices.attestation, pin: devices.pin });
    } finally {
      await devices.close();
      await held.release();
    }
  });
}

async function hold(state: string): Promise<Ledger> {
  try {
    const ledgerId = readLedgerId(state);
    return await openLedger({ folder: state, ledgerId, segmentBytes: SEGMENT_BYTES });
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    const { code, message } = error;
    const advice = code === 'state-folder-locked' ? ': leave out --offline' : '';
    throw new Failure(EXIT.foundBad, `TPM not examined: ${message}${advice}`, {
      code,
      cause: error,
    });
  }
}

const COLOURS: Readonly<Record<Examination['checks'][number]['outcome'], Colour>> = {
  good: 'good',
  poor: 'open',
  bad: 'bad',
};

function show(terminal: Terminal, found: Examination): void {
  const { label, manufacturer, vendorString, firmware, revision, quirks } = found;
  terminal.printFacts([
    ['TPM', `${manufacturer} ${vendorString}, firmware ${firmware} (${label})`],
    ['library', `specification 2.0, revision ${(revision / 100).toFixed(2)}`],
  ]);
  terminal.print();
  for (const { name, outcome, text } of found.checks) {
    const word = terminal.paint(COLOURS[outcome], outcome.padEnd(4));
    terminal.print(`${word}  ${name.padEnd(15)}  ${text}`);
  }
  if (quirks.length > 0) terminal.print();
  for (const { name, meaning } of quirks) terminal.print(`quirk  ${name}: ${meaning}`);
  terminal.print();
  const milliseconds = (value: number): string => value.toFixed(value < 10 ? 2 : 0);
  terminal.printTable(
    ['command', 'runs', 'p50 ms', 'p99 ms', 'longest ms'],
    found.latencies.map(({ operation, runs, p50Ms, p99Ms, longestMs }) => [
      operation,
      String(runs),
      milliseconds(p50Ms),
      milliseconds(p99Ms),
      milliseconds(longestMs),
    ]),
  );
}
