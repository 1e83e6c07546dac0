/**
 * Time evidence as columns of a plot: in each the weakest level and the widest windows of its span,
 * as they stand then: between two pieces of evidence windows grow and a level sinks (SPEC.md §9.2).
 */
import { readSegment, TIME_LEVELS, type TimeLevel } from '@kudurru/proof';

import type { TimeHistoryRow } from './time-answer.ts';

export interface PlotColumn {
  readonly level: TimeLevel;
  /** Half widths; null is unknown. */
  readonly statisticalNs: bigint | null;
  readonly adversarialNs: bigint | null;
}

export interface PlotSpan {
  readonly fromTaiNs: bigint;
  readonly toTaiNs: bigint;
}

/** Of `count` columns that the span is cut into. @param rows oldest first, at least one */
export function columnsOf(
  rows: readonly TimeHistoryRow[],
  { span, count }: { readonly span: PlotSpan; readonly count: number },
): PlotColumn[] {
  const columns: PlotColumn[] = [];
  const sizeNs = span.toTaiNs - span.fromTaiNs;
  let at = 0;
  for (let column = 0; column < count; column++) {
    const endNs = span.fromTaiNs + (sizeNs * BigInt(column + 1)) / BigInt(count);
    let worst: PlotColumn | null = null;
    for (;;) {
      const next = rows[at + 1];
      const ends = next !== undefined && BigInt(next.taiNs) <= endNs;
      worst = worseOf(worst, standing(rows[at], ends ? BigInt(next.taiNs) : endNs));
      if (!ends) break;
      at += 1;
    }
    columns.push(worst);
  }
  return columns;
}

/** What a piece of evidence comes to at a later time. */
function standing(row: TimeHistoryRow | undefined, taiNs: bigint): PlotColumn {
  if (row === undefined || row.later === null) return NOTHING;
  const { later, level, statisticalNs, adversarialNs } = row;
  const elapsedNs = taiNs - BigInt(row.taiNs);
  const segment = {
    ...{ baseRawNs: 0n, baseTaiNs: 0n, ratePpb: 0n, level },
    statisticalNs: statisticalNs === null ? null : BigInt(statisticalNs),
    adversarialNs: adversarialNs === null ? null : BigInt(adversarialNs),
    statisticalGrowthPpb: BigInt(later.statisticalGrowthPpb),
    adversarialGrowthPpb: BigInt(later.adversarialGrowthPpb),
    lockedUntilRawNs: BigInt(later.lockedForNs),
    holdoverUntilRawNs: BigInt(later.holdoverForNs),
    widthMaxNs: BigInt(later.widthMaxNs),
  };
  return readSegment(segment, elapsedNs, 0n);
}

const NOTHING: PlotColumn = { level: 'UNKNOWN', statisticalNs: null, adversarialNs: null };

function worseOf(left: PlotColumn | null, right: PlotColumn): PlotColumn {
  if (left === null) return right;
  const isWeaker = TIME_LEVELS.indexOf(left.level) < TIME_LEVELS.indexOf(right.level);
  return {
    level: isWeaker ? left.level : right.level,
    statisticalNs: wider(left.statisticalNs, right.statisticalNs),
    adversarialNs: wider(left.adversarialNs, right.adversarialNs),
  };
}

function wider(left: bigint | null, right: bigint | null): bigint | null {
  if (left === null || right === null) return null;
  return left > right ? left : right;
}
