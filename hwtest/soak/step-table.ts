/** What came of each mishap at each step, as a table. */
import { tableOf } from '../faults/table.ts';

export interface StepRow {
  readonly name: string;
  /** Where a normal run passes it. */
  readonly where: string;
}

export interface StepCell {
  readonly step: string;
  readonly mishap: string;
  readonly outcome: string;
  readonly count: number;
}

export class StepTable {
  readonly #rows: readonly StepRow[];
  readonly #mishaps: readonly string[];
  readonly #cells: StepCell[] = [];

  constructor(rows: readonly StepRow[], mishaps: readonly string[]) {
    this.#rows = rows;
    this.#mishaps = mishaps;
  }

  add(step: string, mishap: string, outcome: string): void {
    const at = this.#cells.findIndex(
      (cell) => cell.step === step && cell.mishap === mishap && cell.outcome === outcome,
    );
    const found = this.#cells[at];
    if (found === undefined) this.#cells.push({ step, mishap, outcome, count: 1 });
    else this.#cells[at] = { ...found, count: found.count + 1 };
  }

  cells(): readonly StepCell[] {
    return this.#cells;
  }

  format(): string {
    const rows = this.#rows.map(({ name, where }) => [
      name,
      where,
      ...this.#mishaps.map((mishap) => this.#tell(name, mishap)),
    ]);
    return tableOf(['step', 'while', ...this.#mishaps], rows);
  }

  #tell(step: string, mishap: string): string {
    const found = this.#cells.filter((cell) => cell.step === step && cell.mishap === mishap);
    return found.map(({ outcome, count }) => `${count} ${outcome}`).join(', ');
  }
}
