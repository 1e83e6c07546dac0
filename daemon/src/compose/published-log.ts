/** The log door, connected to what is published and to the ledger that can make it again. */
import type { Checkpoints } from '../anchor/checkpoints.ts';
import type { Log } from '../base/log.ts';
import type { Configuration } from '../config/load.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { LogFiles } from '../log-door/log-files.ts';
import { openLogDoor, type LogDoor } from '../log-door/log-server.ts';
import type { FoundedLedger } from './founding.ts';

export interface PublishedLogOptions {
  readonly configuration: Configuration;
  readonly founded: FoundedLedger;
  readonly ledger: Ledger;
  readonly checkpoints: Checkpoints;
  readonly log: Log;
}

/** @throws KudurruError `socket-unusable` */
export function openPublishedLog(options: PublishedLogOptions): Promise<LogDoor> {
  const { configuration, founded, ledger, checkpoints, log } = options;
  const { logSocket, logListen } = configuration.settings;
  return openLogDoor({
    published: {
      ledgerId: founded.ledgerId,
      files: new LogFiles({
        folder: configuration.state,
        coveredSize: () => checkpoints.latest?.size ?? 0n,
        remake: (name) => ledger.remakeTile(name),
        log,
      }),
      checkpoint: () => checkpoints.published?.note ?? null,
    },
    socketPath: logSocket,
    listen: addressOf(logListen),
    log,
  });
}

/** `HOST:PORT`, of the form that the settings take; null where it is empty. */
function addressOf(text: string): { readonly host: string; readonly port: number } | null {
  if (text === '') return null;
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replaceAll(/[[\]]/gu, '');
  return { host, port: Number(text.slice(colon + 1)) };
}
