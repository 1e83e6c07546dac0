/** Findings of all parts of a check together: the first of them in full, the rest counted. */
import type { FsckFinding, FsckReport } from '@kudurru/native';

export type Finding = FsckFinding;

const FINDINGS_MAX = 256;

export class FindingList {
  readonly #list: Finding[] = [];
  damages = 0n;
  rebuildables = 0n;

  add(...findings: readonly Finding[]): void {
    for (const finding of findings) {
      if (finding.weight === 'damage') this.damages += 1n;
      else this.rebuildables += 1n;
      if (this.#list.length < FINDINGS_MAX) this.#list.push(finding);
    }
  }

  /** All are named, and none is merely counted. */
  get isWhole(): boolean {
    return BigInt(this.#list.length) === this.damages + this.rebuildables;
  }

  /** Those of a scan, which has counted its own. */
  take({ list, damages, rebuildables }: FsckReport['findings']): void {
    this.#list.push(...list.slice(0, FINDINGS_MAX - this.#list.length));
    this.damages += damages;
    this.rebuildables += rebuildables;
  }

  /** By place. */
  get list(): readonly Finding[] {
    return this.#list.toSorted((one, other) => {
      if (one.file !== other.file) return one.file < other.file ? -1 : 1;
      return Number(one.offset - other.offset);
    });
  }
}

/** A finding about a file as a whole. */
export function aboutFile(
  file: string,
  weight: Finding['weight'],
  [code, message]: readonly [code: string, message: string],
): Finding {
  return { weight, code, file, offset: 0n, record: null, entry: null, message };
}
