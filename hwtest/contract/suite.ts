/**
 * How a contract is run against a backend: one suite for each pair, with what the report needs to
 * know of it. What a backend is not here for, or cannot do (capabilities.json), makes tests
 * pending, and each says why.
 */
import { readFileSync } from 'node:fs';

import { describe, it } from 'mocha';

export interface Backend {
  /** As in capabilities.json. */
  readonly name: string;
  readonly label: 'hardware' | 'emulated';
  /** Undefined: it can be used here. Else what to do to enable it. */
  readonly missing: string | undefined;
}

/** Things that a bench does to a device, which not every bench can. */
export const ABILITIES = ['power-cycle', 'suspend', 'take-away', 'namesake'] as const;
export type Ability = (typeof ABILITIES)[number];

export interface SuiteFacts {
  readonly contract: string;
  readonly backend: string;
  readonly label: Backend['label'];
}

export interface Capabilities {
  readonly version: number;
  readonly backends: Readonly<
    Record<
      string,
      { readonly label: string; readonly lacks: Readonly<Partial<Record<Ability, string>>> }
    >
  >;
}

export const capabilities = JSON.parse(
  readFileSync(new URL('../capabilities.json', import.meta.url), 'utf8'),
) as Capabilities;

const factsOf = new WeakMap<object, SuiteFacts>();
const reasonOf = new WeakMap<object, string>();

/** Undefined for a suite that is no contract. */
export function suiteFacts(suite: object): SuiteFacts | undefined {
  return factsOf.get(suite);
}

export function pendingReason(test: object): string | undefined {
  return reasonOf.get(test);
}

/** The contract's tests for this backend, or one that is pending where it is not here. */
export function describeContract(contract: string, backend: Backend, tests: () => void): void {
  const { name, label, missing } = backend;
  describe(`${contract}: ${name} (${label})`, function () {
    this.timeout(60_000);
    factsOf.set(this, { contract, backend: name, label });
    if (missing === undefined) tests();
    else reasonOf.set(it(`pending: ${missing}`), missing);
  });
}

/** A test of what only some benches can do to the device. */
export function needs(
  backend: Backend,
  ability: Ability,
  test: { readonly title: string; run(): Promise<void> },
): void {
  const lacking = capabilities.backends[backend.name]?.lacks[ability];
  if (lacking === undefined) it(test.title, () => test.run());
  else reasonOf.set(it(`${test.title} (pending: ${lacking})`), lacking);
}
