/**
 * Every bound of the product, with what it follows from. A bound that is part of a format is fixed
 * by the specification; the others may change. The relationships between them are asserted below,
 * when the module loads, so that no process runs with bounds that contradict each other.
 */
import { assert } from './assert.ts';

/** Bytes of the big-endian length before each frame on the agent socket. */
export const frameLengthBytes = 4;

/** Actions in one submission (format). 1,024 envelopes keep one signature check per ~0.05 ms. */
export const maxActionsPerSubmission = 1024;

/** Bytes of one entry (format): its length fits the two bytes that C2SP tlog-tiles give it. */
export const entrySizeBytesMax = 65_535;

/** Bytes of one action's private body that stands in its submission (format): 256 KiB. */
export const bodySizeBytesMax = 262_144;

/**
 * Bytes of a private body at all (format, SPEC.md §6): 16 MiB. One above `bodySizeBytesMax` comes
 * ahead of its submission, in chunks of that many bytes: nobody holds more than a few of them.
 */
export const largeBodySizeBytesMax = 16_777_216;

/**
 * Bytes of one envelope (format, SPEC.md §4): a quarter of an entry; its other fields are small.
 */
export const envelopeSizeBytesMax = 16_384;

/**
 * Bytes of one frame, type and payload (format, SPEC.md §6). A connection may make the daemon hold
 * this many bytes before anything is checked; sixteen of the largest bodies fit, and a submission
 * of 1,024 actions has 4 KiB for each.
 */
export const frameSizeBytesMax = 4_194_304;

/** Hits of one answer to a search; `before` asks for the next page. */
export const searchHitsDefault = 50;
export const searchHitsMax = 1000;

/** Pieces of time evidence of one answer; `before` asks for the next page. */
export const timeHistoryRowsDefault = 100;
export const timeHistoryRowsMax = 1000;

/** Entries that are looked through for one answer: 256 bundles, about 30 MB read. */
export const timeHistoryEntriesMax = 65_536;

assert(frameSizeBytesMax < 2 ** (8 * frameLengthBytes), 'a frame length fits its length bytes');
assert(entrySizeBytesMax < 2 ** 16, 'an entry length fits two bytes');
assert(envelopeSizeBytesMax <= entrySizeBytesMax / 2, 'an envelope fits its entry');
assert(
  bodySizeBytesMax + envelopeSizeBytesMax < frameSizeBytesMax,
  'one action with the largest body and envelope fits a frame',
);
assert(
  largeBodySizeBytesMax % bodySizeBytesMax === 0,
  'the chunks of the longest body are all full',
);
assert(
  frameSizeBytesMax >= maxActionsPerSubmission * 1024,
  'a full submission leaves 1 KiB for each action',
);
