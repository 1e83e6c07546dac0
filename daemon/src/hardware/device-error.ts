/**
 * What a device call throws. `deviceMayHaveChanged` is the one thing a caller must know before it
 * does the same again: true means that a counter may have moved although no answer came.
 */
import { type ErrorCode, KudurruError } from '../base/errors.ts';

export interface DeviceErrorOptions {
  readonly deviceMayHaveChanged?: boolean;
  readonly cause?: unknown;
}

export class DeviceError extends KudurruError {
  readonly deviceMayHaveChanged: boolean;

  constructor(code: ErrorCode, message: string, options: DeviceErrorOptions = {}) {
    super(code, message, options);
    this.deviceMayHaveChanged = options.deviceMayHaveChanged ?? false;
  }
}
