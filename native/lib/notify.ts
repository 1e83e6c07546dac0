// A word to the service manager (sd_notify(3)).
import { getSystemErrorName } from 'node:util';

import { nativePart } from './load.ts';
import { NativeError } from './native-error.ts';

interface NotifyPart {
  notifySocket(address: string, message: string): number;
}

const native = nativePart<NotifyPart>();

/**
 * One datagram to the Unix socket at `address`, a path or `@` and an abstract name: what
 * NOTIFY_SOCKET holds. @throws NativeError errno
 */
export function notifySocket(address: string, message: string): void {
  if (typeof address !== 'string') throw new TypeError('address is not a string');
  if (typeof message !== 'string') throw new TypeError('message is not a string');
  const error = native.notifySocket(address, message);
  if (error === 0) return;
  const code = getSystemErrorName(-error);
  throw new NativeError(`cannot notify "${address}": ${code}`, {
    domain: 'errno',
    code,
    operation: 'notifySocket',
  });
}
