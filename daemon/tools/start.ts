/**
 * What `npm start` runs once everything is built: emulated devices, the daemon in this process, and
 * on the first start a tour. Whatever was started ends with it.
 *
 *   node daemon/tools/start.ts [--no-tour] [--state DIR]
 *
 * The tour and what to type next go to stdout; the daemon's own lines go to stderr, those of the
 * tour's minute after it.
 */
import {
  startEmulatedDevices,
  type EmulatedDevices,
} from '../../hwtest/backends/emulated-devices.ts';
import { reasonOf } from '../src/base/errors.ts';
import { openLog } from '../src/base/log.ts';
import { startDaemon, type Daemon } from '../src/compose.ts';
import { loadConfiguration, type Configuration } from '../src/config/load.ts';
import { prepareStateFolder } from '../src/config/state-folder.ts';
import { devicesFolderOf, parseStart, type StartOptions } from './start/arguments.ts';
import { HeldLines } from './start/held-lines.ts';
import { nextSteps, opening } from './start/words.ts';
import { runTour, TourEndedError } from './start/tour.ts';
import { isTourDone } from './start/tour-folder.ts';

const EXIT = { good: 0, refused: 1, wrongUse: 2, internal: 70 } as const;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function main(words: readonly string[]): Promise<number> {
  let options: StartOptions;
  let configuration: Configuration;
  try {
    options = parseStart(words);
    configuration = loadConfiguration({
      flags: { state: options.state },
      environment: process.env,
      currentFolder: process.cwd(),
    });
  } catch (error) {
    return complain(error, EXIT.wrongUse);
  }
  const { state } = configuration;
  const ownTour = options.wantsTour && !isTourDone(state);
  process.stdout.write(opening(configuration, { wantsTour: options.wantsTour, ownTour }));
  const stopped = new AbortController();
  for (const signal of STOP_SIGNALS) process.on(signal, () => stopped.abort(signal));
  let devices: EmulatedDevices;
  try {
    prepareStateFolder(state);
    devices = await startEmulatedDevices(devicesFolderOf(state));
  } catch (error) {
    return complain(error, EXIT.refused);
  }
  try {
    return await withDaemon(configuration, { ownTour, stop: stopped.signal });
  } finally {
    await devices.stop();
  }
}

interface Run {
  readonly ownTour: boolean;
  readonly stop: AbortSignal;
}

async function withDaemon(configuration: Configuration, { ownTour, stop }: Run): Promise<number> {
  const lines = new HeldLines((line) => process.stderr.write(line));
  const log = openLog({
    level: configuration.settings.logLevel,
    write: (line) => lines.take(line),
  });
  let daemon: Daemon;
  try {
    daemon = await startDaemon(configuration, log);
  } catch (error) {
    lines.release();
    return complain(error, EXIT.refused);
  }
  const onStop = (): void => {
    log.info('stopping', { signal: String(stop.reason) });
    daemon.stop(`signal ${String(stop.reason)}`);
  };
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
  const ended = daemon.ended.then(
    () => {
      log.info('stopped');
      return EXIT.good;
    },
    (error: unknown) => complain(error, EXIT.internal),
  );
  const toured = ownTour ? await tour(configuration, stop) : EXIT.good;
  lines.release();
  if (toured !== EXIT.good && !stop.aborted) daemon.stop('the tour failed');
  else if (!stop.aborted) process.stdout.write(nextSteps(configuration.state));
  const code = await ended;
  return code === EXIT.good && !stop.aborted ? toured : code;
}

async function tour(configuration: Configuration, stop: AbortSignal): Promise<number> {
  try {
    await runTour(configuration.state, stop);
    return EXIT.good;
  } catch (error) {
    if (stop.aborted) return EXIT.good;
    if (!(error instanceof TourEndedError)) throw error;
    return complain(error, EXIT.refused);
  }
}

function complain(error: unknown, code: number): number {
  process.stderr.write(`kudurru: ${reasonOf(error)}\n`);
  return code;
}

// The daemon goes on when nobody reads what the tour says.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await main(process.argv.slice(2));
// A handle that is left open must not keep a run alive that has nothing left to do.
process.exit();
