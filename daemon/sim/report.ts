/** What many worlds went through, for people and for programs. */
import type { Caught } from './canaries.ts';
import type { Outcome } from './program.ts';

export class Totals {
  #worlds = 0;
  #steps = 0;
  #calls = 0;
  #entries = 0;
  readonly #broken: Outcome[] = [];
  readonly #counts = new Map<string, number>();

  add(outcome: Outcome): void {
    this.#worlds += 1;
    this.#steps += outcome.step;
    this.#calls += outcome.calls;
    this.#entries += outcome.entries;
    if (outcome.invariant !== '') this.#broken.push(outcome);
    this.#count(`${outcome.mode} worlds`, 1);
    for (const [what, count] of Object.entries(outcome.counts)) this.#count(what, count);
  }

  get broken(): readonly Outcome[] {
    return this.#broken;
  }

  #count(what: string, by: number): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }

  #sorted(): [string, number][] {
    return [...this.#counts].toSorted(([one], [other]) => (one < other ? -1 : 1));
  }

  toJSON(): Record<string, unknown> {
    return {
      worlds: this.#worlds,
      broken: this.#broken,
      steps: this.#steps,
      calls: this.#calls,
      entries: this.#entries,
      counts: Object.fromEntries(this.#sorted()),
    };
  }

  lines(): string {
    const rows: [string, number][] = [
      ['worlds', this.#worlds],
      ['worlds with a broken invariant', this.#broken.length],
      ['steps', this.#steps],
      ['calls of the disk', this.#calls],
      ['entries', this.#entries],
      ...this.#sorted(),
    ];
    const width = Math.max(...rows.map(([what]) => what.length));
    return rows.map(([what, count]) => `${what.padEnd(width)}  ${count}\n`).join('');
  }
}

/** With the words that run it again. */
export function brokenLine(outcome: Outcome, canary: string | undefined): string {
  const again = [
    `--seed ${outcome.seed}`,
    ...(canary === undefined ? [] : [`--canary ${canary}`]),
    ...(outcome.crashAtCall === 0 ? [] : [`--crash-at-call ${outcome.crashAtCall}`]),
    ...(outcome.crashAtStep === 0 ? [] : [`--crash-at-step ${outcome.crashAtStep}`]),
  ].join(' ');
  return (
    `${outcome.invariant} broken at step ${outcome.step}: ${outcome.message}\n` +
    `  again: npm run sim -- ${again} --trace\n`
  );
}

export function caughtLine({ canary, outcome, isReplayed }: Caught): string {
  const name = canary.name.padEnd(18);
  if (outcome === undefined) return `${name} NOT CAUGHT by ${canary.invariant}: ${canary.bug}\n`;
  const replay = isReplayed ? 'and again' : 'and NOT again';
  return `${name} seed ${outcome.seed}, step ${outcome.step}, ${replay}: ${canary.invariant}\n`;
}
