/** The box whose daemon is stopped, for the commands about its token's PIN. */
import { openLog } from '../src/base/log.ts';
import { loadConfiguration } from '../src/config/load.ts';
import type { PinBootOptions } from '../src/provision/pin-boot.ts';
import type { Invocation } from './command.ts';

/** @throws KudurruError of the settings */
export function stoppedBox(invocation: Invocation): PinBootOptions {
  const names = ['state', 'config'];
  return {
    configuration: loadConfiguration({
      flags: Object.fromEntries(names.map((name) => [name, invocation.text(name)])),
      environment: process.env,
      currentFolder: process.cwd(),
    }),
    log: openLog({ level: 'warning' }),
  };
}
