/** The linuxptp programs that a lab can start. */

export interface Linuxptp {
  readonly version: string;
  /** What runs each program: its words before any flag. */
  readonly ptp4l: readonly string[];
  readonly pmc: readonly string[];
  /** From 4.0 on. */
  readonly hasReadOnlySocket: boolean;
}

/** The Debian package of this machine. */
export const STOCK_LINUXPTP: Linuxptp = {
  version: 'of this machine',
  ptp4l: ['ptp4l'],
  pmc: ['pmc'],
  hasReadOnlySocket: false,
};
