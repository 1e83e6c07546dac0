/**
 * The GNSS reader: the one process that has the line of a receiver. `node main.ts SETTINGS`, JSON
 * as in settings.ts; records go to the standard output. It holds no capability, and ends with the
 * process that started it.
 */
import { runReadingProgram } from '@kudurru/native';
import { TimeRecordWriter } from '@kudurru/proof';

import { GnssReader } from './reader.ts';
import { parseReaderSettings } from './settings.ts';

runReadingProgram({
  file: import.meta.filename,
  parse: parseReaderSettings,
  make: (settings, out) => new GnssReader(settings, new TimeRecordWriter(out)),
});
