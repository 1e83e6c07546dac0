/**
 * Provisions a state folder and dies of SIGKILL the moment a step is done: told over IPC, as the
 * command would be by its options. Nothing is left to chance: no line is read before it dies.
 */
import { openLog } from '../../daemon/src/base/log.ts';
import { loadConfiguration } from '../../daemon/src/config/load.ts';
import { readOperators, recipientsOf } from '../../daemon/src/provision/operators.ts';
import { provision, type ProvisionStep } from '../../daemon/src/provision/provision.ts';

export interface ProvisionUntil {
  readonly flags: Readonly<Record<string, string>>;
  /** `NAME=FILE`, as the command takes them. */
  readonly operators: readonly string[];
  readonly step: ProvisionStep;
}

process.once('message', ({ flags, operators: words, step }: ProvisionUntil) => {
  const operators = readOperators(words);
  const order = { operators, issuers: [], recipients: recipientsOf(operators, []) };
  void provision(order, {
    configuration: loadConfiguration({ flags, environment: {}, currentFolder: process.cwd() }),
    log: openLog({ level: 'warning' }),
    onStep: (done) => {
      if (done === step) process.kill(process.pid, 'SIGKILL');
    },
  });
});
