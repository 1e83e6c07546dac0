/** What the daemon and its index worker say to each other. */
export interface IndexWorkerData {
  /** The SQLite file. */
  readonly path: string;
  /** Folder of the published tiles. */
  readonly tiles: string;
}

/** `follow`: everything below `size` has been published. */
export type ToWorker =
  { readonly kind: 'follow'; readonly size: bigint } | { readonly kind: 'stop' };

export type FromWorker =
  | { readonly kind: 'indexed'; readonly size: bigint }
  | { readonly kind: 'rebuilding'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };
