/**
 * The PHC reader: the one process that reads the clock of a network card. `node main.ts SETTINGS`,
 * JSON as in settings.ts; records go to the standard output. A driver that hangs holds up nobody
 * else. It holds no capability, and ends with the process that started it.
 */
import { runReadingProgram } from '@kudurru/native';
import { TimeRecordWriter } from '@kudurru/proof';

import { PhcReader } from './reader.ts';
import { parsePhcSettings } from './settings.ts';

runReadingProgram({
  file: import.meta.filename,
  parse: parsePhcSettings,
  make: (settings, out) => new PhcReader({ ...settings, records: new TimeRecordWriter(out) }),
});
