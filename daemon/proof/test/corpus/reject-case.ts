/** What the cases that must not be VALID have in common. */
import type { Entry, EntryKind, EntryOf, EntryTime } from '../../src/entry.ts';
import type { Flaws } from './flaws.ts';
import { ed25519Signer, p256Signer } from './keys.ts';
import type { Exhibit, ScenarioOptions } from './scenario.ts';
import { exhibit, playScenario } from './scenario.ts';

export interface RejectCase {
  readonly name: string;
  /** The one check that refuses it. */
  readonly check: string;
  /** Checks that cannot but refuse it too. */
  readonly also?: readonly string[];
  readonly overall: 'INVALID' | 'UNVERIFIABLE';
  readonly make: () => Promise<Exhibit>;
}

export const attacker = ed25519Signer('attacker');
export const attackerOnP256 = p256Signer('attacker');

export async function ofIntent(flaws: Flaws = {}, options: ScenarioOptions = {}): Promise<Exhibit> {
  const scenario = playScenario(flaws, options);
  return exhibit(scenario, scenario.intent);
}

/** A flaw in the time of every entry of two kinds. */
export function onTime(
  ...[one, other, change]: [EntryKind, EntryKind, (time: EntryTime) => EntryTime]
): Pick<Flaws, 'entry'> {
  return {
    entry: (entry) =>
      entry.kind === one || entry.kind === other ? { ...entry, time: change(entry.time) } : entry,
  };
}

/** A flaw in every entry of one kind. */
export function onKind<K extends EntryKind>(
  kind: K,
  change: (entry: EntryOf<K>) => EntryOf<K>,
): Pick<Flaws, 'entry'> {
  return {
    entry: (entry) =>
      entry.kind === kind ? (change(entry as unknown as EntryOf<K>) as unknown as Entry) : entry,
  };
}

export function invalid(name: string, check: string, make: RejectCase['make']): RejectCase {
  return { name, check, overall: 'INVALID', make };
}

export function unverifiable(name: string, check: string, make: RejectCase['make']): RejectCase {
  return { name, check, overall: 'UNVERIFIABLE', make };
}
