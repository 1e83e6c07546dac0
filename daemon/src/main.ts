#!/usr/bin/env node
/**
 * `kudurrud`: arguments, signals, exit codes. What the daemon is made of is in compose.ts.
 *
 * Exit codes: 0 stopped in order; 1 start refused; 2 wrong use; 70 ended because going on could
 * have lost or falsified something.
 */
import { isKudurruError, reasonOf } from './base/errors.ts';
import { openLog, type Log } from './base/log.ts';
import { startDaemon, softwareVersion, type Daemon } from './compose.ts';
import { parseArguments, type Arguments } from './config/arguments.ts';
import { helpText } from './config/help.ts';
import { loadConfiguration, type Configuration } from './config/load.ts';
import { SETTING_NAMES } from './config/schema.ts';

const exitCode = { good: 0, refused: 1, wrongUse: 2, internal: 70 } as const;

/** A second signal ends the process at once: the next start recovers. */
const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

async function main(words: readonly string[]): Promise<number> {
  let parsed: Arguments;
  let configuration: Configuration;
  try {
    parsed = parseArguments(words);
    if (parsed.wanted === 'help') return print(helpText());
    if (parsed.wanted === 'version') return print(`kudurrud ${softwareVersion}\n`);
    configuration = loadConfiguration({
      flags: parsed.flags,
      environment: process.env,
      currentFolder: process.cwd(),
    });
  } catch (error) {
    process.stderr.write(`kudurrud: ${reasonOf(error)}\nTry: kudurrud --help\n`);
    return isKudurruError(error) ? exitCode.wrongUse : exitCode.internal;
  }
  if (parsed.wanted === 'print-config') return print(configurationText(configuration));
  return run(configuration);
}

async function run(configuration: Configuration): Promise<number> {
  const log = openLog({ level: configuration.settings.logLevel });
  // From here on, also while starting: a start that was begun is ended in order.
  const stopping = Promise.withResolvers<NodeJS.Signals>();
  const stopOnSignal = (signal: NodeJS.Signals): void => {
    log.info('stopping', { signal });
    for (const each of stopSignals) process.removeListener(each, stopOnSignal);
    stopping.resolve(signal);
  };
  for (const signal of stopSignals) process.on(signal, stopOnSignal);
  let daemon: Daemon;
  try {
    daemon = await startDaemon(configuration, log);
  } catch (error) {
    log.error('start refused', error);
    if (isKudurruError(error, 'anchor-contradiction')) sayRecovery(log);
    const known = isKudurruError(error) && error.code !== 'assertion-failed';
    return known ? exitCode.refused : exitCode.internal;
  }
  void stopping.promise.then((signal) => daemon.stop(`signal ${signal}`));
  try {
    await daemon.ended;
    log.info('stopped');
    return exitCode.good;
  } catch (error) {
    log.error('ended', error);
    return exitCode.internal;
  }
}

/** What an operator must sign, where there is no better journal or TPM. */
function sayRecovery(log: Log): void {
  log.warning('operators can order to go on from what the TPM shows', {
    write: 'kudurru recover --describe > order.bin',
    sign: 'ssh-keygen -Y sign -n kudurru -f KEY order.bin',
    carryOut: 'kudurru recover --authorisation order.bin.sig',
  });
}

function configurationText({ state, settings, sources }: Configuration): string {
  const lines = SETTING_NAMES.map((name) => {
    return `${name} = ${JSON.stringify(settings[name])}  # ${sources[name]}`;
  });
  return `# state folder: ${state}\n${lines.join('\n')}\n`;
}

function print(text: string): number {
  process.stdout.write(text);
  return exitCode.good;
}

// A promise that nobody awaits has failed: the state is one that the code rules out.
process.on('unhandledRejection', (error) => {
  process.stderr.write(`kudurrud: ended: ${reasonOf(error)}\n`);
  process.exit(exitCode.internal);
});

process.exitCode = await main(process.argv.slice(2));
// A handle that is still open must not keep a daemon alive that has nothing left to do.
process.exit();
