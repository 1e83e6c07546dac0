/** Tells systemd how far we are, where it asks to be told (sd_notify(3)). */
import { notifySocket } from '@kudurru/native';

export function tellSystemd(message: string): void {
  const address = process.env['NOTIFY_SOCKET'];
  if (address !== undefined && address !== '') notifySocket(address, message);
}
