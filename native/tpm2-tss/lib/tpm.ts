// One open TPM. Commands are grouped as the library specification groups them.
import { Attestations } from './attestations.ts';
import { Connection } from './connection.ts';
import { Hierarchies } from './hierarchies.ts';
import { Keys } from './keys.ts';
import { NvIndexes } from './nv-indexes.ts';
import { Platform } from './platform.ts';
import { Policies } from './policies.ts';
import { SealedObjects } from './sealed-objects.ts';
import { Sessions } from './sessions.ts';

export interface TpmOptions {
  /** Deadline of each call that gives none of its own. Default 10,000 ms. */
  readonly timeoutMs?: number;
}

export class Tpm {
  readonly platform: Platform;
  readonly hierarchies: Hierarchies;
  readonly sessions: Sessions;
  readonly policies: Policies;
  readonly keys: Keys;
  readonly sealed: SealedObjects;
  readonly nv: NvIndexes;
  readonly attestations: Attestations;
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.platform = new Platform(connection);
    this.hierarchies = new Hierarchies(connection);
    this.sessions = new Sessions(connection);
    this.policies = new Policies(connection);
    this.keys = new Keys(connection);
    this.sealed = new SealedObjects(connection);
    this.nv = new NvIndexes(connection);
    this.attestations = new Attestations(connection);
  }

  /**
   * Opens a TPM by its transport, such as 'device:/dev/tpmrm0' or 'swtpm:path=/run/tpm/sock'
   * (tss2-tctildr(3)). Throws TpmError. The TPM must have been started (`platform.startup`).
   */
  static async open(tcti: string, options: TpmOptions = {}): Promise<Tpm> {
    return new Tpm(await Connection.open(tcti, options.timeoutMs ?? 10_000));
  }

  /** Ends the connection at once; calls that wait fail with `lost`. Sends nothing to the TPM. */
  close(): void {
    this.#connection.close();
  }
}
