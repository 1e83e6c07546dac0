/**
 * The PHC reader: the one process that reads the clock of a network card. `node main.ts SETTINGS`,
 * JSON as in settings.ts; records go to the standard output. A driver that hangs holds up nobody
 * else.
 *
 * It holds no capability, and ends with the process that started it: by the kernel's hand, or when
 * nobody reads the other end.
 */
import { Socket } from 'node:net';

import { dieWithParent, dropCapabilities } from '@kudurru/native';
import { TimeRecordWriter } from '@kudurru/proof';

import { PhcReader } from './reader.ts';
import { parsePhcSettings } from './settings.ts';

const RECORDS_DESCRIPTOR = 1;
/** Says that the capabilities are gone already. */
const CONFINED = '--confined';

function start(json: string): void {
  const settings = parsePhcSettings(json);
  if (!dieWithParent(settings.parentPid)) process.exit(0);
  const out = new Socket({ fd: RECORDS_DESCRIPTOR, readable: false, writable: true });
  const reader = new PhcReader({ ...settings, records: new TimeRecordWriter(out) });
  // Nobody reads any more.
  out.once('error', () => reader.stop());
  out.once('close', () => reader.stop());
  process.once('SIGTERM', () => reader.stop());
  // An interrupt typed at the terminal reaches the whole group; the parent decides.
  process.on('SIGINT', () => undefined);
  void reader.run().then(() => out.destroy());
}

/** Other threads keep what this one gave up, until the program is executed anew. */
function confine(json: string): void {
  dropCapabilities();
  process.execve?.(process.execPath, [process.execPath, import.meta.filename, ...[json, CONFINED]]);
}

const [json, confined] = process.argv.slice(2);
if (json === undefined) {
  process.stderr.write('the reader is started by kudurrud: main.ts SETTINGS\n');
  process.exit(2);
}
if (confined === CONFINED) start(json);
else confine(json);
