/**
 * A value that is watched between two marks. It counts as over from the moment it reaches `over`
 * until it reaches `back`: in between nothing changes, so that a value that swings around one mark
 * does not swing what follows from it. `over` below `back` watches for too little (room on a disk),
 * above it for too much (memory of a queue).
 */
import { assert } from './assert.ts';

export interface Marks {
  readonly over: number;
  readonly back: number;
}

export class Watermark {
  readonly marks: Marks;
  #isOver = false;

  constructor(marks: Marks) {
    assert(marks.over !== marks.back, 'the two marks differ');
    this.marks = marks;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  note(value: number): void {
    const { over, back } = this.marks;
    const reached = (mark: number): boolean => (over < back ? value < mark : value >= mark);
    this.#isOver = this.#isOver ? reached(back) : reached(over);
  }
}

/**
 * Tells of a state's changes at most once in a time: what changed meanwhile is told with the next,
 * if it has not changed back.
 */
export class SeldomTold {
  readonly #everyMs: number;
  #told = false;
  #toldMs: number | null = null;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Whether the state is to be told now. */
  isDue(state: boolean, nowMs: number): boolean {
    if (state === this.#told) return false;
    if (this.#toldMs !== null && nowMs - this.#toldMs < this.#everyMs) return false;
    this.#told = state;
    this.#toldMs = nowMs;
    return true;
  }
}
