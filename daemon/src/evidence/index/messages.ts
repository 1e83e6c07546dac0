/** What the daemon and the two workers of the search index say to each other. */
import type { IndexFile, IndexShape, Range } from './files.ts';
import type { Pace } from './pace.ts';
import type { Answer, Question } from './questions.ts';

export interface IndexWorkerData {
  /** State folder: holds `index/` and the published `tile/`. */
  readonly state: string;
  readonly ledgerId: Uint8Array;
  /** Entries of the log when it was opened. */
  readonly size: number;
  readonly shape: IndexShape;
  /** Between two files whose bytes are compared with their digests. */
  readonly checkPauseMs: number;
}

export type ToBuilder =
  /** Everything below `size` has been published. */
  | { readonly kind: 'follow'; readonly size: number }
  | { readonly kind: 'pace'; readonly pace: Pace }
  /** Somebody waits for the file that will hold this entry. */
  | { readonly kind: 'want'; readonly index: number }
  /** What the file says is not what the ledger says, or it cannot be read. */
  | { readonly kind: 'distrust'; readonly index: number; readonly reason: string }
  | { readonly kind: 'stop' };

/** All of them; `gone` are to be removed by whoever had them open. */
interface FilesThere {
  readonly kind: 'files';
  readonly files: readonly IndexFile[];
  readonly gone: readonly string[];
}

export type FromBuilder =
  | FilesThere
  /** Rows were written, and how long the worker was busy with them. */
  | { readonly kind: 'built'; readonly entries: number; readonly busyMs: number }
  | { readonly kind: 'rebuilding'; readonly reason: string }
  /** `lacks`: from the bundle that cannot be read to the end of what it was read for. */
  | { readonly kind: 'failed'; readonly reason: string; readonly lacks: Range | null };

export type ToSearcher =
  | FilesThere
  | { readonly kind: 'question'; readonly id: number; readonly size: number; question: Question }
  | { readonly kind: 'stop' };

export type FromSearcher =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  /** Nothing was found out. */
  | {
      readonly kind: 'refused';
      readonly id: number;
      readonly reason: string;
      /** First entry of a bundle that cannot be read. */
      readonly lacks: number | null;
    }
  | { readonly kind: 'damaged'; readonly file: IndexFile; readonly reason: string };
