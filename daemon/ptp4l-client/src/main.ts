/**
 * The broker: the one process that can speak with ptp4l's socket, which may be the one that changes
 * clocks. `node main.ts SETTINGS`, JSON as in settings.ts; records go to the standard output. It
 * holds no capability, and ends with the process that started it.
 */
import { runReadingProgram } from '@kudurru/native';
import { TimeRecordWriter } from '@kudurru/proof';

import { Broker } from './broker.ts';
import { parseBrokerSettings } from './settings.ts';

runReadingProgram({
  file: import.meta.filename,
  parse: parseBrokerSettings,
  make: (settings, out) => new Broker(settings, new TimeRecordWriter(out)),
});
