/** What came of each mishap at each step, as a table. */
import { tableOf } from '../faults/table.ts';

export interface StepRow {
  readonly name: string;
  /** Where a normal run passes it; a name may be in two places. */
  readonly where: string;
}

export interface StepCell {
  readonly step: string;
  readonly where: string;
  readonly mishap: string;
  readonly outcome: string;
  readonly count: number;
}

export class StepTable {
  readonly #rows: readonly StepRow[];
  readonly #mishaps: readonly string[];
  readonly #cells: StepCell[];

  /** `before`: cells of an earlier run, which are added to. */
  constructor(
    rows: readonly StepRow[],
    mishaps: readonly string[],
    before: readonly StepCell[] = [],
  ) {
    this.#rows = rows;
    this.#mishaps = mishaps;
    this.#cells = [...before];
  }

  add({ name, where }: StepRow, mishap: string, outcome: string): void {
    const at = this.#cells.findIndex(
      (cell) => isOf(cell, { name, where }) && cell.mishap === mishap && cell.outcome === outcome,
    );
    const found = this.#cells[at];
    if (found === undefined) this.#cells.push({ step: name, where, mishap, outcome, count: 1 });
    else this.#cells[at] = { ...found, count: found.count + 1 };
  }

  cells(): readonly StepCell[] {
    return [...this.#cells];
  }

  format(): string {
    const rows = this.#rows.map((row) => [
      row.name,
      row.where,
      ...this.#mishaps.map((mishap) => this.#tell(row, mishap)),
    ]);
    return tableOf(['step', 'while', ...this.#mishaps], rows);
  }

  #tell(row: StepRow, mishap: string): string {
    const found = this.#cells.filter((cell) => isOf(cell, row) && cell.mishap === mishap);
    return found.map(({ outcome, count }) => `${count} ${outcome}`).join(', ');
  }
}

function isOf(cell: StepCell, { name, where }: StepRow): boolean {
  return cell.step === name && cell.where === where;
}
