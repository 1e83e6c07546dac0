/** Findings of all parts of a check together: the first of them in full, the rest counted. */
import type { FsckFinding, FsckReport } from '@kudurru/native';

export type Finding = FsckFinding;

const FINDINGS_MAX = 256;

export class FindingList {
  readonly #list: Finding[] = [];
  readonly #known = new Set<string>();
  damages = 0n;
  rebuildables = 0n;

  /** One that is here already, of an earlier part of the same check, is not counted again. */
  add(...findings: readonly Finding[]): void {
    for (const finding of findings) {
      if (this.#isKnown(finding)) continue;
      this.#count(finding, 1n);
      this.#put(finding);
    }
  }

  /** All are named, and none is merely counted. */
  get isWhole(): boolean {
    return BigInt(this.#list.length) === this.damages + this.rebuildables;
  }

  /** Those of a scan, which has counted its own. */
  take({ list, damages, rebuildables }: FsckReport['findings']): void {
    this.damages += damages;
    this.rebuildables += rebuildables;
    for (const finding of list) {
      if (this.#isKnown(finding)) this.#count(finding, -1n);
      else this.#put(finding);
    }
  }

  #count({ weight }: Finding, by: bigint): void {
    if (weight === 'damage') this.damages += by;
    else this.rebuildables += by;
  }

  #put(finding: Finding): void {
    if (this.#list.length >= FINDINGS_MAX) return;
    this.#list.push(finding);
    this.#known.add(keyOf(finding));
  }

  #isKnown(finding: Finding): boolean {
    return this.#known.has(keyOf(finding));
  }

  /** By place. */
  get list(): readonly Finding[] {
    return this.#list.toSorted((one, other) => {
      if (one.file !== other.file) return one.file < other.file ? -1 : 1;
      if (one.offset !== other.offset) return Number(one.offset - other.offset);
      return one.code < other.code ? -1 : 1;
    });
  }
}

function keyOf({ code, file, offset, record, entry, message }: Finding): string {
  return [code, file, offset, record, entry, message].join('\n');
}

/** A finding about a file as a whole. */
export function aboutFile(
  file: string,
  weight: Finding['weight'],
  [code, message]: readonly [code: string, message: string],
): Finding {
  return { weight, code, file, offset: 0n, record: null, entry: null, message };
}
